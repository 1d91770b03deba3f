"""Facebook Pages: Graph API v26.0 and the login dialog, as documented at https://developers.facebook.com/docs."""
