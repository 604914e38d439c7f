import { lowestBit } from './bitmap.ts';
import { sourceHigh, sourceLow } from './frame-addresses.ts';
import { GROUP_BIT, NOBODY, SET } from './mac-table.ts';
import type { PortSet } from './port-set.ts';
import { type SwitchTables, VPORT_SET } from './switch-tables.ts';

// Who exchanges frames with whom: see VPortIsolation in forwarding.ts.

/** Whether two VPorts exchange frames. A VPort does with itself. */
export function exchanges(tables: SwitchTables, one: number, other: number): boolean {
  if (one === other || tables.isOpen(one) || tables.isOpen(other)) return true;
  return !tables.isInSet(VPORT_SET.PRIVATE, one) && !tables.isInSet(VPORT_SET.PRIVATE, other);
}

/**
 * Leaves those of `receivers` that exchange frames with the sender: the VPort where the frame came in, or
 * those with its source address if the adjacent bridge has sent it back.
 *
 * @param word first word of the frame.
 */
export function isolate(
  tables: SwitchTables,
  i32: Int32Array,
  word: number,
  ingress: number,
  receivers: PortSet,
): void {
  if (ingress !== tables.uplink) {
    isolateFrom(tables, ingress, receivers);
    return;
  }
  const { macs } = tables;
  const low = sourceLow(i32, word);
  const value = macs.lookup(low, sourceHigh(i32, word));
  if (value === NOBODY || (low & GROUP_BIT) !== 0) return;
  if (value < SET) {
    isolateFrom(tables, value, receivers);
    return;
  }
  const row = macs.rowOf(value);
  for (let w = 0; w < receivers.words.length; w++) {
    for (let rest = macs.sets[row + w]; rest !== 0; rest &= rest - 1) {
      isolateFrom(tables, (w << 5) + lowestBit(rest), receivers);
    }
  }
}

function isolateFrom(tables: SwitchTables, sender: number, receivers: PortSet): void {
  if (tables.isOpen(sender)) return;
  const { words } = receivers;
  for (let w = 0; w < words.length; w++) {
    for (let rest = words[w]; rest !== 0; rest &= rest - 1) {
      const port = (w << 5) + lowestBit(rest);
      if (!exchanges(tables, sender, port)) receivers.remove(port);
    }
  }
}
