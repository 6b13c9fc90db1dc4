"""Bad input: one file a target, each with a ``check`` of bytes that Hypothesis and a fuzzer both drive."""
