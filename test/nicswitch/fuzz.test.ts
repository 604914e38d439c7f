import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FramePool, type RandomStream, RandomStreams } from '../../src/base/index.ts';
import { entrySlot, NicSwitch, tagOperation, targetPort } from '../../src/nicswitch/index.ts';
import { BROADCAST, GROUP, mac, putFrame, STRANGER, written } from './fixtures.ts';
import { change } from './random-traffic.ts';
import { decide, macAt, newConfig } from './reference-switch.ts';
import { hex } from './reference-tags.ts';

const RUNS = process.env['SRIOVSIM_LONG'] ? 10_000 : 200;
/** A long run takes minutes. */
const TIMEOUT_MS = 900_000;
const FRAMES = 48;
const SLOT_BYTES = 2048;
const seed = fc.integer({ min: 0, max: 2 ** 31 - 1 });

const ADDRESSES = [mac(0), mac(1), mac(2), mac(3), mac(7), GROUP, GROUP + 1, STRANGER, BROADCAST, 0];
/** 802.1Q, 802.1ad, an old QinQ, E-Tag, VN-Tag, IPv4 and a length. */
const TYPES = [0x8100, 0x8100, 0x8100, 0x88a8, 0x9100, 0x893f, 0x8926, 0x0800, 46];
const VLANS = [0, 1, 10, 20, 4095];

function one<T>(random: RandomStream, values: readonly T[]): T {
  return values[random.integer(values.length)];
}

/** Any bytes, of any length that fits a slot; mostly with addresses and types that the switch knows, tags in tags. */
function anyFrame(random: RandomStream): Uint8Array {
  const kind = random.integer(8);
  const length =
    kind === 0 ? random.integer(24) : kind === 1 ? 1500 + random.integer(40) : random.integer(SLOT_BYTES + 1);
  const bytes = new Uint8Array(Math.max(length, 64));
  for (let i = 0; i < 64; i++) bytes[i] = random.integer(256);
  if (kind > 2) {
    writeMac(bytes, 0, one(random, ADDRESSES));
    writeMac(bytes, 6, one(random, ADDRESSES));
    for (let at = 12; at < 40; at += 4) {
      const type = one(random, TYPES);
      bytes.set([type >> 8, type & 0xff, random.integer(16) << 4, one(random, VLANS) & 0xff], at);
      if (random.integer(3) === 0) break;
    }
  }
  return bytes.subarray(0, length);
}

function writeMac(bytes: Uint8Array, at: number, address: number): void {
  for (let i = 5, rest = address; i >= 0; i--, rest = Math.floor(rest / 256)) bytes[at + i] = rest % 256;
}

describe('any bytes of any length, under any configuration', () => {
  const VPORTS = 4;

  it(
    'are treated as the reference switch treats them, accounted for, and leave no slot behind',
    () => {
      fc.assert(
        fc.property(fc.array(change(VPORTS), { maxLength: 40 }), seed, (changes, seed) => {
          const random = new RandomStreams(seed).stream('frames');
          const frames = new FramePool({ slots: FRAMES, slotBytes: SLOT_BYTES });
          const nicSwitch = new NicSwitch({ frames, vports: VPORTS });
          const config = newConfig(VPORTS);
          for (let v = 0; v < VPORTS; v++) {
            nicSwitch.setVPortEnabled(v, true, true);
            Object.assign(config.vports[v], { rx: true, tx: true });
          }
          for (const { apply } of changes) apply(nicSwitch, config);
          const expected: string[] = Array.from({ length: FRAMES }, () => '');
          for (let n = 0; n < FRAMES; n++) {
            const ingress = random.integer(VPORTS + 1);
            const frame = { bytes: anyFrame(random), tci: one(random, [-1, -1, ...VLANS]) };
            const slot = putFrame(frames, frame.bytes, frame.tci);
            const { receivers, mirrored = [] } = decide(config, frame, ingress);
            const all = [...receivers, ...mirrored].map(({ port, bytes }) => `${port} ${bytes}`);
            expected[slot] = all.sort().join(', ');
            nicSwitch.input.push(ingress, slot);
          }
          expect(nicSwitch.forward()).toBe(FRAMES);
          const seen: string[][] = Array.from({ length: FRAMES }, () => []);
          for (let port = 0; port <= VPORTS; port++) {
            for (let entry = nicSwitch.output.shift(port); entry >= 0; entry = nicSwitch.output.shift(port)) {
              const bytes = written(frames, entrySlot(entry), tagOperation(entry));
              seen[entrySlot(entry)].push(`${port} ${hex(bytes)}`);
              frames.release(entrySlot(entry));
            }
          }
          expect(seen.map((list) => list.sort().join(', '))).toEqual(expected);
          nicSwitch.checkBalance();
          expect(frames.available).toBe(FRAMES);
        }),
        { numRuns: RUNS },
      );
    },
    TIMEOUT_MS,
  );

  it(
    'reach nobody through lengths that cannot be: negative ones, and those beyond the slot',
    () => {
      fc.assert(
        fc.property(
          seed,
          fc.constantFrom(-(2 ** 31), -1, 0, 13, 1519, 2049, 65_536, 2 ** 31 - 1),
          (seed, length) => {
            const random = new RandomStreams(seed).stream('frames');
            const frames = new FramePool({ slots: 1, slotBytes: SLOT_BYTES });
            const nicSwitch = new NicSwitch({ frames, vports: VPORTS });
            for (let v = 0; v < VPORTS; v++) {
              nicSwitch.setVPortEnabled(v, true, true);
              nicSwitch.addMac(v, mac(v));
            }
            const slot = putFrame(frames, anyFrame(random));
            frames.lengths[slot] = length;
            expect(nicSwitch.route(slot, random.integer(VPORTS + 1))).toBe(0);
            expect(frames.available).toBe(1);
            nicSwitch.checkBalance();
          },
        ),
        { numRuns: RUNS / 2 },
      );
    },
    TIMEOUT_MS,
  );
});

/** A VPort of a tenant, as the test itself knows it. */
interface Tenant {
  macs: Set<number>;
  vlans: Set<number>;
  untagged: boolean;
  portVlan: number | 'descriptor' | 'never';
}

/** The VLAN that a frame is in: that of its port, else of the tag beside it, else of the tag in its bytes; or none. */
function vlanOf(bytes: Uint8Array, tci: number, portVlan: Tenant['portVlan']): number | undefined {
  const beside = portVlan === 'never' ? -1 : portVlan === 'descriptor' ? tci : portVlan;
  if (beside >= 0) return beside & 0xfff;
  const tagged = bytes.length >= 18 && bytes[12] === 0x81 && bytes[13] === 0x00;
  return tagged ? ((bytes[14] & 0xf) << 8) | bytes[15] : undefined;
}

/** VLAN 0 is a priority on an untagged frame. */
function belongs(tenant: Tenant, vlan: number | undefined): boolean {
  return vlan === undefined ? tenant.untagged : tenant.vlans.has(vlan) || (vlan === 0 && tenant.untagged);
}

describe('isolation', () => {
  /** VPorts with random addresses and VLANs, all filtered and checked. */
  function tenants(random: RandomStream, nicSwitch: NicSwitch): Tenant[] {
    nicSwitch.setVlanFilter(true);
    return Array.from({ length: nicSwitch.vports }, (_, v) => {
      const vlans = new Set(VLANS.slice(1).filter(() => random.integer(2) === 0));
      const macs = new Set([mac(v), ...ADDRESSES.slice(4, 7).filter(() => random.integer(8) === 0)]);
      const [first] = vlans;
      const portVlan =
        first !== undefined && random.integer(3) === 0
          ? first
          : one(random, ['descriptor', 'never'] as const);
      const untagged = random.integer(2) === 0;
      nicSwitch.setVPortEnabled(v, true, true);
      nicSwitch.setAntiSpoof(v, { mac: true, vlan: true });
      nicSwitch.setAcceptUntagged(v, untagged);
      nicSwitch.setMulticastPromiscuous(v, random.integer(2) === 0);
      nicSwitch.setPortVlan(v, portVlan);
      nicSwitch.setTagStrip(v, random.integer(2) === 0);
      for (const address of macs) nicSwitch.addMac(v, address);
      for (const vlan of vlans) nicSwitch.addVlan(v, vlan);
      return { macs, vlans, untagged, portVlan };
    });
  }

  it(
    'no frame reaches a VPort outside its VLAN, and none a VPort or the wire from who is not its sender',
    () => {
      const reached = { vports: 0, spoofed: 0 };
      fc.assert(
        fc.property(seed, fc.integer({ min: 2, max: 70 }), (seed, vports) => {
          const random = new RandomStreams(seed).stream('tenants');
          const frames = new FramePool({ slots: 1, slotBytes: SLOT_BYTES });
          const nicSwitch = new NicSwitch({ frames, vports });
          const known = tenants(random, nicSwitch);
          for (let n = 0; n < FRAMES; n++) {
            const ingress = random.integer(vports + 1);
            const bytes = anyFrame(random);
            if (bytes.length >= 12 && random.integer(2) === 0) writeMac(bytes, 6, mac(ingress));
            const tci = one(random, [-1, -1, ...VLANS]);
            const slot = putFrame(frames, bytes, tci);
            const sender = known[ingress];
            const vlan = vlanOf(bytes, tci, sender?.portVlan ?? 'descriptor');
            const count = nicSwitch.route(slot, ingress);
            for (let i = 0; i < count; i++) frames.release(slot);
            const source = bytes.length >= 14 ? macAt(bytes, 6) : 0;
            const group = Math.floor(source / 2 ** 40) % 2 === 1;
            if (sender !== undefined && (group || !sender.macs.has(source) || !belongs(sender, vlan))) {
              expect(count).toBe(0);
              reached.spoofed++;
            }
            for (const target of nicSwitch.targets.subarray(0, count)) {
              const port = targetPort(target);
              if (port === nicSwitch.uplink) continue;
              expect(belongs(known[port], vlan), `VLAN ${vlan} at VPort ${port}`).toBe(true);
              reached.vports++;
            }
          }
          nicSwitch.checkBalance();
          expect(frames.available).toBe(1);
        }),
        { numRuns: RUNS },
      );
      expect(reached.vports).toBeGreaterThan(RUNS);
      expect(reached.spoofed).toBeGreaterThan(RUNS);
    },
    TIMEOUT_MS,
  );
});
