-- The secret that page tokens are signed with, shared by all processes of the installation.
SELECT page_token_secret FROM installation
