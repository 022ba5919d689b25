// Access to the slots of the data.
const slotOf = new Map(data.slots.map(slot => [slot.layer + "/" + slot.role, slot]));
const layers = [...new Set(data.slots.map(slot => slot.layer))].sort((a, b) => a - b);
const roles = Object.keys(letter).filter(role => data.slots.some(slot => slot.role === role));
const OUTLIER = 5;

const slotsOf = role => data.slots.filter(slot => slot.role === role);

// Maximum |x| per (head, channel), from BF16 in Base64. NaN: no finite value.
function channelsOf(slot) {
  if (!slot.channels) {
    const bytes = Uint8Array.from(atob(slot.map), c => c.charCodeAt(0));
    const bits = new Uint32Array(bytes.length / 2);
    bits.forEach((_, i) => bits[i] = (bytes[2 * i] | bytes[2 * i + 1] << 8) << 16 >>> 0);
    slot.channels = new Float32Array(bits.buffer);
    slot.columns = slot.channels.length / slot.heads;
  }
  return slot.channels;
}

const headOf = (slot, head) => Array.from(channelsOf(slot).subarray(head * slot.columns, (head + 1) * slot.columns));

const greatest = values => values.reduce((most, x) => x > most ? x : most, 0);

function median(values) {
  const sorted = values.map(x => Number.isNaN(x) ? Infinity : x).sort((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1];
}

const channelName = (slot, column) => data.pool === 1
  ? "channel " + column
  : "channels " + column * data.pool + " to " + (Math.min((column + 1) * data.pool, slot.headDim) - 1);
