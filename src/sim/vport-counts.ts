import type { Component } from '../kernel/index.ts';
import type { NicDropReason } from '../nic/index.ts';
import type { PortCounters } from '../nicswitch/index.ts';

/** What of a card counts by VPort. */
interface Card {
  readonly name: string;
  readonly switch: { readonly uplink: number; portCounters(port: number): PortCounters };
  readonly drops: { byReason(port: number): Readonly<Record<NicDropReason, number>> };
}

/**
 * Frames, bytes and drops of each VPort that has any, and of the port: `nic.vport.0.framesIn`, `nic.vport.uplink.bytesOut`,
 * `nic.vport.1.drops.noDescriptor`. In is from the VPort into the switch. A VPort that is set up anew begins at 0.
 */
export function vportCounts({ name, switch: nicSwitch, drops }: Card): Component {
  const counters = () => {
    const all: Record<string, number> = {};
    for (let port = 0; port <= nicSwitch.uplink; port++) {
      const { framesIn, bytesIn, framesOut, bytesOut, dropped } = nicSwitch.portCounters(port);
      const lost = Object.entries({ ...dropped, ...drops.byReason(port) }).filter(([, count]) => count > 0);
      if (framesIn + framesOut + lost.length === 0) continue;
      const whose = port === nicSwitch.uplink ? 'uplink' : port;
      for (const [key, count] of Object.entries({ framesIn, bytesIn, framesOut, bytesOut }))
        all[`${whose}.${key}`] = count;
      for (const [reason, count] of lost) all[`${whose}.drops.${reason}`] = count;
    }
    return all;
  };
  return { name: `${name}.vport`, counters, reset: () => {} };
}
