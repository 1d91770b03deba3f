"""A Mastodon server (4.6), as documented at https://docs.joinmastodon.org; its address is the base that it is mounted at."""
