import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FramePool } from '../../src/base/index.ts';
import { ControllingBridge, NicSwitch, tagOperation, targetPort } from '../../src/nicswitch/index.ts';
import { eChannel } from '../../src/wire/index.ts';
import {
  BROADCAST,
  type FrameFields,
  frameBytes,
  GROUP,
  mac,
  putFrame,
  STRANGER,
  written,
} from './fixtures.ts';
import { hex } from './reference-tags.ts';

const KINDS = ['etag', 'vntag'] as const;
const CHANNELS = { etag: [5, 6, 7, eChannel({ base: 5, extension: 1 })], vntag: [0, 6, 7, 4095] };
const VPORTS = 4;

/** A port extender with four VPorts, the bridge above, and the network behind that: what each has got. */
class Network {
  readonly frames = new FramePool({ slots: 16 });
  readonly nicSwitch = new NicSwitch({ frames: this.frames, vports: VPORTS });
  readonly bridge: ControllingBridge;
  /** Frames that went over the wire: up, and down. */
  up = 0;
  down = 0;

  constructor(kind: (typeof KINDS)[number]) {
    for (let v = 0; v < VPORTS; v++) this.nicSwitch.setVPortEnabled(v, true, true);
    this.bridge = new ControllingBridge({ tag: kind, channels: CHANNELS[kind] });
    this.bridge.control(this.nicSwitch);
  }

  /** Sends a frame, and says who gets it: VPorts ascending, then the network. All get the bytes that were sent. */
  send(from: number | 'network', fields: FrameFields): string {
    const bytes = frameBytes({ from: from === 'network' ? STRANGER : mac(from), ...fields });
    const { toExtender, toNetwork } =
      from === 'network'
        ? this.bridge.receiveFromNetwork(bytes)
        : this.bridge.receive(this.sendUp(from, bytes));
    this.down += toExtender.length;
    const receivers: (number | string)[] = [];
    for (const frame of toExtender) {
      for (const [port, got] of this.route(frame, VPORTS)) {
        expect(hex(got)).toBe(hex(bytes));
        receivers.push(port);
      }
    }
    for (const frame of toNetwork) {
      expect(hex(frame)).toBe(hex(bytes));
      receivers.push('network');
    }
    this.nicSwitch.checkBalance();
    expect(this.frames.available).toBe(this.frames.slots);
    return receivers.join(' ');
  }

  private sendUp(vport: number, bytes: Uint8Array): Uint8Array {
    this.up++;
    const [[port, frame]] = this.route(bytes, vport);
    expect(port).toBe(VPORTS);
    return frame;
  }

  private route(bytes: Uint8Array, ingress: number): [number, Uint8Array][] {
    const slot = putFrame(this.frames, bytes);
    const count = this.nicSwitch.route(slot, ingress);
    return Array.from(this.nicSwitch.targets.subarray(0, count), (target) => {
      const frame = written(this.frames, slot, tagOperation(target));
      this.frames.release(slot);
      return [targetPort(target), frame];
    });
  }
}

describe.each(KINDS)('a controlling bridge above a port extender (%s)', (kind) => {
  it('floods what is for an unknown station, but not to whom it came from', () => {
    const network = new Network(kind);
    expect(network.send(1, { to: mac(2) })).toBe('0 2 3 network');
    expect(network.send('network', { to: mac(2) })).toBe('0 1 2 3');
  });

  it('forwards to one VPort what is for a station that has been heard', () => {
    const network = new Network(kind);
    network.send(2, { to: BROADCAST });
    expect(network.send(1, { to: mac(2) })).toBe('2');
    expect(network.send(2, { to: mac(1) })).toBe('1');
    expect(network.send('network', { to: mac(1) })).toBe('1');
    expect(network.send(1, { to: STRANGER })).toBe('network');
  });

  it('sends one frame down the wire however many VPorts receive it', () => {
    const network = new Network(kind);
    expect(network.send(0, { to: BROADCAST })).toBe('1 2 3 network');
    expect([network.up, network.down]).toEqual([1, 1]);
    expect(network.nicSwitch.balance()).toEqual({ framesIn: 2, replicas: 2, delivered: 4, dropped: 0 });
  });

  it('sends nothing back to the VPort that a station is behind', () => {
    const network = new Network(kind);
    network.send(1, { to: BROADCAST, from: mac(9) });
    expect(network.send(1, { to: mac(9) })).toBe('');
    expect(network.bridge.filtered).toBe(1);
  });

  it('replicates to who has joined a group', () => {
    const network = new Network(kind);
    network.bridge.join(GROUP, CHANNELS[kind][1]);
    network.bridge.join(GROUP, CHANNELS[kind][3]);
    expect(network.send(0, { to: GROUP })).toBe('1 3 network');
    expect(network.send(3, { to: GROUP })).toBe('1 network');
    network.bridge.leave(GROUP, CHANNELS[kind][1]);
    expect(network.send(0, { to: GROUP })).toBe('3 network');
    // The only member is the sender: nothing has to go down.
    expect(network.send(3, { to: GROUP })).toBe('network');
    expect(network.send(0, { to: GROUP + 1 })).toBe('1 2 3 network');
  });

  it('learns stations for each VLAN by itself', () => {
    const network = new Network(kind);
    network.send(2, { to: BROADCAST, tci: 10 });
    expect(network.send(1, { to: mac(2), tci: 10 })).toBe('2');
    expect(network.send(1, { to: mac(2), tci: 20 })).toBe('0 2 3 network');
  });

  it('drops what comes without a tag, or with that of a channel that there is not', () => {
    const bridge = new ControllingBridge({ tag: kind, channels: CHANNELS[kind] });
    const frames = [
      frameBytes({}),
      frameBytes({}).subarray(0, 13),
      Uint8Array.from([...frameBytes({}).subarray(0, 12), 0x89, 0x3f, 0, 0, 0, 9, 0, 0, 8, 0]),
      Uint8Array.from([...frameBytes({}).subarray(0, 12), 0x89, 0x26, 0, 0, 0, 9, 8, 0]),
    ];
    for (const frame of frames) expect(bridge.receive(frame)).toEqual({ toExtender: [], toNetwork: [] });
    expect(bridge.receiveFromNetwork(frames[1])).toEqual({ toExtender: [], toNetwork: [] });
    expect(bridge.unknown).toBe(5);
  });

  it('is a bridge: whatever is sent, each frame reaches whom a learning bridge with these ports would reach', () => {
    const port = fc.constantFrom<number | 'network'>(0, 1, 2, 3, 'network');
    const address = fc.constantFrom(mac(0), mac(1), mac(2), STRANGER, BROADCAST, GROUP);
    fc.assert(
      fc.property(fc.array(fc.tuple(port, address, address), { maxLength: 40 }), (sent) => {
        const network = new Network(kind);
        const heard = new Map<number, number | 'network'>();
        for (const [from, to, source] of sent) {
          const isGroup = (a: number) => a === BROADCAST || a === GROUP;
          if (!isGroup(source)) heard.set(source, from);
          const known = isGroup(to) ? undefined : heard.get(to);
          const all = [0, 1, 2, 3, 'network'].filter((p) => p !== from);
          expect(network.send(from, { to, from: source })).toBe(
            all.filter((p) => known === undefined || p === known).join(' '),
          );
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('a controlling bridge', () => {
  it('is told channels that fit the tag, and different ones', () => {
    expect(() => new ControllingBridge({ tag: 'vntag', channels: [1, 4096] })).toThrow(RangeError);
    expect(() => new ControllingBridge({ tag: 'etag', channels: [1, 1] })).toThrow(RangeError);
    expect(() => new ControllingBridge({ tag: 'none' as never, channels: [] })).toThrow(RangeError);
    const bridge = new ControllingBridge({ tag: 'etag', channels: [1] });
    expect(() => bridge.join(GROUP, 2)).toThrow(RangeError);
  });

  it('keeps the priority of a frame in the E-Tag', () => {
    const network = new Network('etag');
    network.send(2, { to: BROADCAST });
    const frame = frameBytes({ to: mac(2), tci: (6 << 13) | 10 });
    const { toExtender } = network.bridge.receiveFromNetwork(frame);
    expect(toExtender[0][14] >> 5).toBe(6);
  });
});
