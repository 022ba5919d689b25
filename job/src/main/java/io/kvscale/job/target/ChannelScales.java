package io.kvscale.job.target;

import io.kvscale.scheme.table.SlotScales;

/** Scales written out by channel. They mean the same, since a scale serves a run of neighbouring channels. */
final class ChannelScales {
    private ChannelScales() {}

    /** The index of the scale of a channel, head x head_dim + d. */
    static int index(SlotScales scales, int channel) {
        return channel / (scales.geometry().channels() / scales.scale().length);
    }

    /** One scale for each of heads x head_dim channels, head-major. */
    static float[] of(SlotScales scales) {
        float[] channels = new float[scales.geometry().channels()];
        for (int c = 0; c < channels.length; c++) {
            channels[c] = scales.scale()[index(scales, c)];
        }
        return channels;
    }
}
