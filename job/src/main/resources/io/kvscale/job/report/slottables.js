// Tables over slots.
const scaleText = slot => !slot ? ""
  : slot.scales === 1 ? exact(slot.leastScale)
  : exact(slot.leastScale) + " \u2026 " + exact(slot.greatestScale);

function scalesTable() {
  const several = data.slots.some(slot => slot.scales > 1);
  return table(
    several ? "Scales per layer; minimum and maximum of a slot with several scales" : "Scales per layer",
    ["layer", ...roles.flatMap(role => [letter[role].toLowerCase() + "_scale", letter[role] + " min",
      letter[role] + " max"])],
    layers.map(layer => [layer, ...roles.flatMap(role => {
      const slot = slotOf.get(layer + "/" + role);
      return slot ? [scaleText(slot), exact(slot.min), exact(slot.max)] : ["", "", ""];
    })]));
}

function headsTable(role) {
  const slots = slotsOf(role);
  const heads = Math.max(...slots.map(slot => slot.heads));
  return table("Maximum |x| of the " + roleWord[role] + " by layer and head",
    ["layer", ...Array.from({length: heads}, (_, head) => "head " + head)],
    slots.map(slot => [slot.layer, ...Array.from({length: heads}, (_, head) =>
      head < slot.heads ? short(greatest(headOf(slot, head))) : "")]));
}

function channelsTable(slot) {
  channelsOf(slot);
  return table("Maximum |x| by channel and head, layer " + slot.layer + ", " + roleWord[slot.role],
    ["channel", ...Array.from({length: slot.heads}, (_, head) => "head " + head)],
    Array.from({length: slot.columns}, (_, column) => [column * data.pool,
      ...Array.from({length: slot.heads}, (_, head) => short(slot.channels[head * slot.columns + column]))]));
}
