import { describe, expect, it } from 'vitest';
import { FramePool } from '../../src/base/index.ts';
import {
  AdjacentBridge,
  ControllingBridge,
  EgressStage,
  NicSwitch,
  SharedSwitch,
  VPortTable,
} from '../../src/nicswitch/index.ts';

const frames = new FramePool({ slots: 8 });
const nicSwitch = new NicSwitch({ frames, vports: 2, clock: { now: 0 } });
const vports = new VPortTable(new NicSwitch({ frames, vports: 2 }));
const stage = new EgressStage(nicSwitch, { linkGbps: 10 });

/** What a program without types can pass by mistake. */
const any = (value: unknown) => value as never;

describe('a mistake of a program without types', () => {
  it.each<[string, () => unknown, string]>([
    ['a receive enable that is none', () => nicSwitch.setVPortEnabled(0, true, any(undefined)), 'tx must be'],
    [
      'true for all checks',
      () => nicSwitch.setAntiSpoof(0, any(true)),
      'check must be an object with mac, vlan',
    ],
    ['a check that is none', () => nicSwitch.setAntiSpoof(0, any({ macs: true })), 'check has no "macs"'],
    ['a check without answer', () => nicSwitch.setAntiSpoof(0, any({ mac: 'on' })), 'check.mac must be true'],
    ['no mirroring rule', () => nicSwitch.setMirrorRule(0, any(undefined)), 'rule must be an object with to'],
    ['a rule of nothing', () => nicSwitch.setMirrorRule(0, { to: 0 }), 'rule must copy something'],
    [
      'a rule of nothing, at length',
      () => nicSwitch.setMirrorRule(0, { to: 0, uplink: false }),
      'rule must copy something',
    ],
    [
      'a condition that is none',
      () => nicSwitch.setMirrorRule(0, any({ to: 0, sends: [1] })),
      'has no "sends"',
    ],
    [
      'a VPort for a list',
      () => nicSwitch.setMirrorRule(0, any({ to: 0, sentBy: 1 })),
      'rule.sentBy must be a list',
    ],
    [
      'text for a truth',
      () => nicSwitch.setMirrorRule(0, any({ to: 0, uplink: 'yes' })),
      'rule.uplink must be true',
    ],
    [
      'VLANs as such',
      () => nicSwitch.setAllowedVlans(0, any([1])),
      'allowed must be an object with vlans, untagged',
    ],
    [
      'a VLAN for a list',
      () => nicSwitch.setAllowedVlans(0, any({ vlans: 1 })),
      'allowed.vlans must be a list',
    ],
    ['a rate as such', () => nicSwitch.setStormLimit(0, 'broadcast', any(5)), 'rate must be an object with'],
    [
      'a burst by another name',
      () => nicSwitch.setStormLimit(0, 'broadcast', any({ framesPerSecond: 1, burst: 2 })),
      'rate has no "burst": allowed are framesPerSecond, burstFrames',
    ],
    [
      'a mode of nothing',
      () => nicSwitch.setForwarding(0, any(null)),
      'mode must be an object with vport, port',
    ],
    [
      'true for QinQ',
      () => nicSwitch.setDoubleVlan(any(true)),
      'mode must be an object with outerType, filter',
    ],
    ['no priorities', () => nicSwitch.setPriorities(0, any(undefined)), 'priorities must be an object'],
    ['a priority by another name', () => nicSwitch.setPriorities(0, any({ default: 1 })), 'has no "default"'],
    ['a reason that is none', () => nicSwitch.dropped(any('spoof')), 'reason must be one of runt'],
    [
      'an option that is none',
      () => new NicSwitch(any({ frames, vports: 2, rules: 1 })),
      'options has no "rules"',
    ],
    [
      'a clock that is none',
      () => new NicSwitch({ frames, vports: 2, clock: any(5) }),
      'options.clock must be',
    ],
    ['no frame pool options', () => new FramePool(any(undefined)), 'options must be an object with slots'],
    ['no switch', () => new VPortTable(any(undefined)), 'nicSwitch must be a NicSwitch'],
    [
      'a limit that is none',
      () => new VPortTable(nicSwitch, { limits: any({ vport: 1 }) }),
      'limits has no "vport"',
    ],
    ['an option of the table', () => new VPortTable(nicSwitch, any({ limit: {} })), 'options has no "limit"'],
    ['a mode that is none', () => vports.default.requestReceiveMode(any('all')), 'mode must be one of none'],
    [
      'a switch that is none',
      () => new EgressStage(any({}), { linkGbps: 10 }),
      'nicSwitch must be a NicSwitch',
    ],
    [
      'no options of a stage',
      () => new EgressStage(nicSwitch, any(undefined)),
      'options must be an object with linkGbps',
    ],
    [
      'the name of a rate profile',
      () => new EgressStage(nicSwitch, { linkGbps: 10, rates: any('intel-82599') }),
      'rates must be a rate profile',
    ],
    ['a limit from no time on', () => stage.setMaxRate(0, 5, any(undefined)), 'nowPs must be a number'],
    [
      'no options of a bridge',
      () => new ControllingBridge(any(undefined)),
      'options must be an object with tag',
    ],
    [
      'an E-CID that is none of a port',
      () => new ControllingBridge({ tag: 'etag', channels: [0] }),
      'channels[0] must be an E-CID of a port',
    ],
    [
      'a station that is joined',
      () => new ControllingBridge({ tag: 'etag', channels: [1] }).join('02:00:00:00:00:01', 1),
      'mac must be a group address, not 02:00:00:00:00:01',
    ],
    ['no channels', () => new ControllingBridge(any({ tag: 'etag' })), 'channels must be a list'],
    ['no ports', () => new AdjacentBridge(any(undefined)), 'options must be an object with ports'],
    ['no VPorts', () => new SharedSwitch(any(undefined)), 'options must be an object with vports'],
    ['slots by another name', () => new SharedSwitch(any({ vports: 1, slot: 1 })), 'options has no "slot"'],
  ])('is named: %s', (_, make, message) => {
    expect(make).toThrow(argumentError(message));
  });

  it("is named where a frame is given to a port that there is not, and the frame stays its owner's", () => {
    const { uplink } = nicSwitch;
    const slot = frames.take();
    for (const port of [uplink + 1, -1]) {
      const message = `must be an integer from 0 to ${uplink}, got ${port}`;
      expect(() => nicSwitch.route(slot, port)).toThrow(new RangeError(`ingress ${message}`));
      expect(() => nicSwitch.input.push(port, slot)).toThrow(new RangeError(`port ${message}`));
      expect(() => stage.submit(port, slot)).toThrow(new RangeError(`port ${message}`));
      expect(() => nicSwitch.output.shiftBurst(port, new Int32Array(1))).toThrow(
        new RangeError(`port ${message}`),
      );
    }
    expect(nicSwitch.forward()).toBe(0);
    expect(frames.references[slot]).toBe(1);
    frames.release(slot);
  });

  it('changes nothing', () => {
    expect(() => nicSwitch.setAntiSpoof(0, any({ mac: true, vlan: 'on' }))).toThrow('check.vlan');
    const slot = frames.take();
    frames.u8.fill(2, frames.offsetOf(slot), frames.offsetOf(slot) + 60);
    frames.lengths[slot] = 60;
    nicSwitch.setVPortEnabled(0, true, true);
    expect(nicSwitch.route(slot, 0), 'its source address is not checked').toBe(1);
  });
});

/** Matches errors of these two types only, by a part of the message. */
function argumentError(message: string) {
  return expect.toSatisfy(
    (error: unknown) =>
      (error instanceof TypeError || error instanceof RangeError) && error.message.includes(message),
    message,
  );
}
