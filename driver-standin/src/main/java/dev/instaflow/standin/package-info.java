/**
 * Stand-ins of libcuda, libcublas and libcudnn that run under the real JCuda on a machine without a GPU, for tests. They are as strict as
 * NVIDIA's libraries or stricter, keep a ledger of what was called and executed, and fail where a test wants them to.
 * Start at {@link dev.instaflow.standin.StandIn}; what the libraries check stands in the sources in {@code src/main/c}.
 */
package dev.instaflow.standin;
