"""Pictures that people upload: posts' media, profile pictures and logos all go through ``reading.read_picture``."""
