"""The REST API under /api/calls/, for programs and for the site's own pages."""
