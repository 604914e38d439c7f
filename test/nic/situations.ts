import { expect } from 'vitest';
import { type DropReason, hashIndex } from '../../src/nicswitch/index.ts';
import { macHighWord } from '../../src/wire/index.ts';
import { PFMRCTL, PFMRVM, PFVML2FLT, Pools, SSVPC } from './pools.ts';

/** So many frames of one kind, from a pool or from the wire. */
export interface Frames {
  readonly count: number;
  readonly from: number;
  readonly to: number;
  readonly vlan?: number;
  /** Source address. Default: the sender's own. */
  readonly source?: number;
}

export interface Situation {
  readonly name: string;
  readonly registers?: readonly (readonly [offset: number, value: number])[];
  /** Members of VLANs: filter, VLAN, bits of pools below 32. */
  readonly vlans?: readonly (readonly [filter: number, vlan: number, pools: number])[];
  readonly frames: readonly Frames[];
  /** Frames that come to each port. */
  readonly given: Record<string, number>;
  readonly dropped?: Partial<Record<DropReason, number>>;
  readonly mirrored?: number;
}

export const rule = (n: number, what: number, pool: number) => [PFMRCTL + 4 * n, what | (pool << 8)] as const;
export const pools = (n: number, bits: number) => [PFMRVM + 4 * n, bits] as const;
export const filter = (pool: number, bits: number) => [PFVML2FLT + 4 * pool, bits] as const;
export const hashBit = (table: number, address: number) => {
  const index = hashIndex(macHighWord(address), 0);
  return [table + 4 * (index >> 5), 1 << (index & 31)] as const;
};

/** Sets a card up, sends the frames, and expects what the situation says, with all counters in balance. */
export function expectSituation(situation: Situation): void {
  const { registers = [], vlans = [], frames, given, dropped = {}, mirrored = 0 } = situation;
  const card = new Pools();
  for (const [filterIndex, vlan, members] of vlans) card.vlan(filterIndex, vlan, members);
  for (const [offset, value] of registers) card.write(offset, value);
  let sent = 0;
  for (const { count, from, to, vlan, source } of frames) {
    for (let i = 0; i < count; i++) card.send(from, to, vlan, source);
    sent += count;
  }
  expect(card.given()).toEqual(given);

  const { switch: nicSwitch } = card.nic.data;
  const counters = nicSwitch.counters();
  const lost = Object.entries(counters).filter(([name, count]) => name.startsWith('dropped.') && count > 0);
  expect(Object.fromEntries(lost.map(([name, count]) => [name.slice(8), count]))).toEqual(dropped);
  expect(counters.mirrored).toBe(mirrored);
  expect(card.read(SSVPC)).toBe((dropped.macSpoof ?? 0) + (dropped.vlanSpoof ?? 0));
  const delivered = Object.values(given).reduce((sum, each) => sum + each, 0);
  const droppedInAll = Object.values(dropped).reduce((sum, each) => sum + each, 0);
  expect(nicSwitch.balance()).toEqual({
    framesIn: sent,
    replicas: delivered + droppedInAll - sent,
    delivered,
    dropped: droppedInAll,
  });
}
