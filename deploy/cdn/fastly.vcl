# Custom VCL of a Fastly service whose backend is Traefik. docs/deploy/cdn.md explains it. The macros are Fastly's own; those
# that are not changed here keep their boilerplate.

sub vcl_recv {
  # Traefik believes this header only from the addresses in its `trustedIPs`.
  set req.http.X-Forwarded-For = client.ip;

  # Clients that get the same coding share a copy. Fastly has no zstd on the way to clients.
  if (req.http.Accept-Encoding ~ "br(;q=(1|0\.[0-9]*[1-9]))?(,|$)") {
    set req.http.Accept-Encoding = "br";
  } else if (req.http.Accept-Encoding ~ "gzip(;q=(1|0\.[0-9]*[1-9]))?(,|$)") {
    set req.http.Accept-Encoding = "gzip";
  } else {
    unset req.http.Accept-Encoding;
  }

#FASTLY recv

  if (req.method != "GET" && req.method != "HEAD") {
    return(pass);
  }

  # Files with a hash in their names are the same for everyone.
  if (req.url.path ~ "\.[0-9a-f]{16}\.[a-z0-9]+$") {
    set req.url = req.url.path;
    unset req.http.Cookie;
    unset req.http.Authorization;
    return(lookup);
  }

  # A request that can have a credential passes the cache.
  if (req.http.Authorization || req.http.Cookie || req.http.X-API-Key) {
    return(pass);
  }
  if (req.url.path ~ "^/(docs|openapi\.json|graphql)?$") {
    return(lookup);
  }
  return(pass);
}

sub vcl_fetch {
#FASTLY fetch

  # What the origin says in Cache-Control counts: a response without it, and a private one, is not stored.
  if (!beresp.http.Cache-Control || beresp.http.Cache-Control ~ "(?i)(private|no-store|no-cache)") {
    return(pass);
  }
  # A page may be sent for some time if the origin does not respond.
  if (beresp.http.Content-Type ~ "^text/html") {
    set beresp.stale_if_error = 1h;
  }
  return(deliver);
}
