"""The backbone's figures, each beside the bare thing in the same run."""
