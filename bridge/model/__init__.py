"""The shared vocabulary: values that parts hand to each other. Imports nothing of ours."""
