// Run by `falco test` with deploy/cdn/fastly.vcl.

// @scope: recv
// @suite: a file with a hash in its name is looked up without credentials and query
sub test_hashed_file {
  set req.url = "/assets/page.0123456789abcdef.js?v=1";
  set req.http.Cookie = "session=1";
  set req.http.Authorization = "Bearer x";
  testing.call_subroutine("vcl_recv");
  assert.state(LOOKUP);
  assert.equal(req.url, "/assets/page.0123456789abcdef.js");
  assert.is_notset(req.http.Cookie);
  assert.is_notset(req.http.Authorization);
}

// @scope: recv
// @suite: a request with a credential passes the cache
sub test_credentials {
  set req.url = "/graphql?query=%7B__typename%7D";
  set req.http.Authorization = "Bearer x";
  testing.call_subroutine("vcl_recv");
  assert.state(PASS);
}

// @scope: recv
// @suite: a request with a cookie passes the cache
sub test_cookie {
  set req.url = "/docs";
  set req.http.Cookie = "session=1";
  testing.call_subroutine("vcl_recv");
  assert.state(PASS);
}

// @scope: recv
// @suite: a persisted operation of nobody is looked up
sub test_operation {
  set req.url = "/graphql?query=%7B__typename%7D";
  testing.call_subroutine("vcl_recv");
  assert.state(LOOKUP);
}

// @scope: recv
// @suite: the REST API passes the cache
sub test_api {
  set req.url = "/api/accounts";
  testing.call_subroutine("vcl_recv");
  assert.state(PASS);
}

// @scope: recv
// @suite: a request that changes something passes the cache
sub test_post {
  set req.method = "POST";
  set req.url = "/graphql";
  testing.call_subroutine("vcl_recv");
  assert.state(PASS);
}

// @scope: recv
// @suite: a client cannot forge its address, and codings are few
sub test_headers {
  declare local var.address STRING;
  set var.address = client.ip;
  set req.http.X-Forwarded-For = "203.0.113.9";
  set req.http.Accept-Encoding = "zstd, br;q=0, gzip;q=0.5";
  testing.call_subroutine("vcl_recv");
  assert.equal(req.http.X-Forwarded-For, var.address);
  assert.equal(req.http.Accept-Encoding, "gzip");
}

// @scope: fetch
// @suite: a private response is not stored
sub test_private {
  set beresp.http.Cache-Control = "private, max-age=60";
  testing.call_subroutine("vcl_fetch");
  assert.state(PASS);
}

// @scope: fetch
// @suite: a response without Cache-Control is not stored
sub test_without_cache_control {
  unset beresp.http.Cache-Control;
  testing.call_subroutine("vcl_fetch");
  assert.state(PASS);
}

// @scope: fetch
// @suite: a public response is stored
sub test_public {
  set beresp.http.Cache-Control = "public, max-age=60";
  testing.call_subroutine("vcl_fetch");
  assert.state(DELIVER);
}
