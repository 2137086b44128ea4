package dev.instaflow.pipeline;

/**
 * Wall time of a generation by stage, for all its images together. The time to load a network counts where
 * the engine loads it for the request.
 *
 * @param textNanos text encoder
 * @param encodeNanos init image; 0 without one
 * @param denoiseNanos UNet and sampler
 * @param decodeNanos decoder and conversion to pixels
 */
public record StageTimes(long textNanos, long encodeNanos, long denoiseNanos, long decodeNanos) {
    /**
     * The sum.
     *
     * @return nanoseconds
     */
    public long totalNanos() {
        return textNanos + encodeNanos + denoiseNanos + decodeNanos;
    }
}
