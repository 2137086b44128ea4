/**
 * Where tensors live and arithmetic happens. A {@link dev.instaflow.backend.Backend} makes scopes, whose
 * {@code Ops} do the work; each implementation has a package below this one and its native libraries are
 * imported nowhere else. Start reading there.
 */
package dev.instaflow.backend;
