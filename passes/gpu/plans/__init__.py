"""The default plans for a GPU: schedule steps for a nest, from its shape and the facts about the machine."""
