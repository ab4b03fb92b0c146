"""One file a flow, each beside the transcripts that the tests play."""
