import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AdjacentBridge, tagOperation, targetPort } from '../../src/nicswitch/index.ts';
import {
  Bench,
  BROADCAST,
  type FrameFields,
  frameBytes,
  GROUP,
  mac,
  putFrame,
  STRANGER,
} from './fixtures.ts';

/** Ports by which a frame leaves. */
function ports(bridge: AdjacentBridge, ingress: number, fields: FrameFields): string {
  return bridge.targets.slice(0, bridge.relay(frameBytes(fields), ingress)).join(' ');
}

describe('a bridge', () => {
  it('floods what it does not know to every port but the one it came in at', () => {
    const bridge = new AdjacentBridge({ ports: 4 });
    expect(ports(bridge, 1, { from: mac(0), to: mac(1) })).toBe('0 2 3');
    expect(ports(bridge, 1, { from: mac(0), to: BROADCAST })).toBe('0 2 3');
    expect(ports(bridge, 1, { from: mac(0), to: GROUP })).toBe('0 2 3');
  });

  it('sends to where it has learned the address, in its VLAN', () => {
    const bridge = new AdjacentBridge({ ports: 4 });
    ports(bridge, 2, { from: mac(0), to: BROADCAST });
    expect(bridge.portOf(mac(0))).toBe(2);
    expect(ports(bridge, 1, { from: mac(1), to: mac(0) })).toBe('2');
    expect(ports(bridge, 1, { from: mac(1), to: mac(0), tci: 10 })).toBe('0 2 3');
    expect(ports(bridge, 1, { from: mac(1), to: mac(0), tci: 1 })).toBe('2');
    // A priority tag: of the VLAN of untagged frames.
    expect(ports(bridge, 1, { from: mac(1), to: mac(0), tci: 0xe000 })).toBe('2');
  });

  it('learns a station that has moved, and nobody from a group address', () => {
    const bridge = new AdjacentBridge({ ports: 3 });
    ports(bridge, 0, { from: mac(0), to: mac(1) });
    ports(bridge, 1, { from: mac(0), to: mac(1) });
    expect(bridge.portOf(mac(0))).toBe(1);
    ports(bridge, 1, { from: GROUP, to: mac(1) });
    expect(bridge.portOf(GROUP)).toBe(-1);
    bridge.forget();
    expect(bridge.portOf(mac(0))).toBe(-1);
  });

  it('filters what would leave where it came in, unless that port has reflective relay', () => {
    const bridge = new AdjacentBridge({ ports: 2 });
    ports(bridge, 0, { from: mac(0), to: BROADCAST });
    expect(ports(bridge, 0, { from: mac(1), to: mac(0) })).toBe('');
    bridge.setReflectiveRelay(0, true);
    expect(ports(bridge, 0, { from: mac(1), to: mac(0) })).toBe('0');
    expect(ports(bridge, 0, { from: mac(0), to: BROADCAST })).toBe('0 1');
    expect(ports(bridge, 1, { from: STRANGER, to: BROADCAST })).toBe('0');
    bridge.setReflectiveRelay(0, false);
    expect(ports(bridge, 0, { from: mac(1), to: mac(0) })).toBe('');
  });

  it('keeps frames to the members of their VLAN, at both ends', () => {
    const bridge = new AdjacentBridge({ ports: 3 });
    bridge.setVlanMember(1, 10, false);
    expect(ports(bridge, 0, { from: mac(0), to: BROADCAST, tci: 10 })).toBe('2');
    expect(ports(bridge, 1, { from: mac(1), to: BROADCAST, tci: 10 })).toBe('');
    bridge.setVlanMember(1, 10, true);
    expect(ports(bridge, 0, { from: mac(0), to: BROADCAST, tci: 10 })).toBe('1 2');
    bridge.setPvid(2, 20);
    bridge.setVlanMember(0, 20, false);
    expect(ports(bridge, 2, { from: mac(0), to: BROADCAST })).toBe('1');
  });

  it('relays no frame to a reserved address, and none that is cut short', () => {
    const bridge = new AdjacentBridge({ ports: 2 });
    expect(ports(bridge, 0, { to: 0x0180c2000000 })).toBe('');
    expect(ports(bridge, 0, { to: 0x0180c200000f })).toBe('');
    expect(ports(bridge, 0, { to: 0x0180c2000010 })).toBe('1');
    expect(ports(bridge, 0, { to: mac(1), bytes: 13 })).toBe('');
    expect(ports(bridge, 0, { to: mac(1), bytes: 17, tci: 10 })).toBe('');
    expect(ports(bridge, 0, { to: mac(1), bytes: 18, tci: 10 })).toBe('1');
    expect(bridge.relay(new Uint8Array(0), 0)).toBe(0);
  });

  it('learns as many addresses as it has room for', () => {
    const bridge = new AdjacentBridge({ ports: 2, addresses: 1 });
    ports(bridge, 0, { from: mac(0), to: BROADCAST });
    ports(bridge, 1, { from: mac(1), to: BROADCAST });
    expect([bridge.portOf(mac(0)), bridge.portOf(mac(1))]).toEqual([0, -1]);
    expect(bridge.counters()).toMatchObject({ addresses: 1 });
  });

  it('refuses ports and VLANs that are none', () => {
    expect(() => new AdjacentBridge({ ports: 0 })).toThrow(/ports must be an integer from 1 to 256, got 0/);
    const bridge = new AdjacentBridge({ ports: 2 });
    expect(() => bridge.setReflectiveRelay(2, true)).toThrow(/port must be an integer from 0 to 1, got 2/);
    expect(() => bridge.setVlanMember(0, 0, true)).toThrow(/vlan must be an integer from 1 to 4094, got 0/);
  });

  it('loses no frame: in + replicas = out + filtered', () => {
    const address = fc.constantFrom(mac(0), mac(1), mac(2), GROUP, BROADCAST, 0x0180c2000000);
    const sent = fc.array(
      fc.record({
        to: address,
        from: address,
        tci: fc.option(fc.constantFrom(0, 1, 10), { nil: undefined }),
        bytes: fc.constantFrom(0, 13, 16, 60),
        ingress: fc.integer({ min: 0, max: 2 }),
        relays: fc.boolean(),
      }),
    );
    fc.assert(
      fc.property(sent, (frames) => {
        const bridge = new AdjacentBridge({ ports: 3, addresses: 2 });
        bridge.setVlanMember(2, 10, false);
        let out = 0;
        for (const { ingress, relays, ...fields } of frames) {
          bridge.setReflectiveRelay(ingress, relays);
          const leaves = [...bridge.targets.slice(0, bridge.relay(frameBytes(fields), ingress))];
          if (!relays) expect(leaves).not.toContain(ingress);
          expect(new Set(leaves).size).toBe(leaves.length);
          out += leaves.length;
        }
        const { framesIn, framesOut, replicas, filtered } = bridge;
        expect([framesIn, framesOut]).toEqual([frames.length, out]);
        expect(framesIn + replicas).toBe(framesOut + filtered);
      }),
    );
  });
});

describe('a switch in VEPA and the bridge at its wire', () => {
  /** Who gets a frame of `vport`, by way of the bridge. Port 0 of the bridge is the switch's, port 1 a station's. */
  function reached(
    bench: Bench,
    bridge: AdjacentBridge,
    vport: number,
    fields: FrameFields,
    tci = -1,
  ): string {
    const { nicSwitch, frames } = bench;
    const bytes = frameBytes({ from: mac(vport), ...fields });
    const slot = putFrame(frames, bytes, tci);
    const names: string[] = [];
    const count = nicSwitch.route(slot, vport);
    for (const target of nicSwitch.targets.slice(0, count)) {
      frames.release(slot);
      if (targetPort(target) !== bench.wire) names.push(`${targetPort(target)}`);
      else {
        const onWire = tagOperation(target) === 2 ? withTag(bytes, tci) : bytes;
        const relayed = bridge.relay(onWire, 0);
        for (const port of bridge.targets.slice(0, relayed)) {
          if (port === 0) names.push(...Object.keys(bench.routeBytes(bench.wire, onWire).receivers));
          else names.push('station');
        }
      }
    }
    return names.join(' ');
  }

  function withTag(bytes: Uint8Array, tci: number): Uint8Array {
    return Uint8Array.from([...bytes.slice(0, 12), 0x81, 0x00, tci >> 8, tci & 0xff, ...bytes.slice(12)]);
  }

  function vepa(reflectiveRelay: boolean): { bench: Bench; bridge: AdjacentBridge } {
    const bench = new Bench(3);
    bench.nicSwitch.setLoopback(false);
    const bridge = new AdjacentBridge({ ports: 2 });
    bridge.setReflectiveRelay(0, reflectiveRelay);
    return { bench, bridge };
  }

  it('let VPorts talk through reflective relay, from the first frame on', () => {
    const { bench, bridge } = vepa(true);
    expect(reached(bench, bridge, 0, { to: mac(1) })).toBe('1 station');
    expect(reached(bench, bridge, 1, { to: mac(0) })).toBe('0');
    expect(reached(bench, bridge, 0, { to: mac(1) })).toBe('1');
    expect(bridge.reflected).toBe(3);
  });

  it('do not let them talk without', () => {
    const { bench, bridge } = vepa(false);
    expect(reached(bench, bridge, 0, { to: mac(1) })).toBe('station');
    expect(reached(bench, bridge, 1, { to: mac(0) })).toBe('');
    expect(reached(bench, bridge, 0, { to: BROADCAST })).toBe('station');
    expect(bridge.reflected).toBe(0);
  });

  it.each([BROADCAST, GROUP])('give group frames to everybody but their sender: %i', (to) => {
    const { bench, bridge } = vepa(true);
    for (const v of [0, 1, 2]) bench.nicSwitch.addMac(v, GROUP);
    for (const v of [0, 1, 2]) {
      const others = [0, 1, 2].filter((other) => other !== v).join(' ');
      expect(reached(bench, bridge, v, { to })).toBe(`${others} station`);
    }
    bench.nicSwitch.setSourcePruning(false);
    expect(reached(bench, bridge, 0, { to })).toBe('0 1 2 station');
  });

  it('give a group frame whose sender is the only one there to nobody else: it is pruned', () => {
    const bench = new Bench(1);
    bench.nicSwitch.setLoopback(false);
    const bridge = new AdjacentBridge({ ports: 2 });
    bridge.setReflectiveRelay(0, true);
    expect(reached(bench, bridge, 0, { to: BROADCAST })).toBe('station');
    expect(bench.nicSwitch.dropped('sourcePruned')).toBe(1);
  });

  it('keep VLANs apart on the way there and back', () => {
    const { bench, bridge } = vepa(true);
    const { nicSwitch } = bench;
    nicSwitch.setVlanFilter(true);
    for (const [v, vlan] of [
      [0, 10],
      [1, 10],
      [2, 20],
    ]) {
      nicSwitch.addVlan(v, vlan);
      nicSwitch.setPortVlan(v, vlan);
    }
    expect(reached(bench, bridge, 0, { to: BROADCAST }, 10)).toBe('1 station');
    bridge.setVlanMember(0, 10, false);
    expect(reached(bench, bridge, 0, { to: BROADCAST }, 10)).toBe('');
  });

  it('lose no frame on the way round', () => {
    const { bench, bridge } = vepa(true);
    for (let i = 0; i < 30; i++) reached(bench, bridge, i % 3, { to: i % 4 === 3 ? BROADCAST : mac(i % 4) });
    bench.nicSwitch.checkBalance();
    expect(bench.nicSwitch.portCounters(bench.wire)).toMatchObject({
      framesOut: 30,
      framesIn: bridge.reflected,
    });
  });
});
