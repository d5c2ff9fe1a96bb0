"""An archive (PACS): looked through, a series opened, the answer sent back into its study."""
