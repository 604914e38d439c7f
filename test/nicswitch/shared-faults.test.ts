import { describe, expect, it } from 'vitest';
import {
  attachSwitchConfiguration,
  attachSwitchPort,
  type ConfigurationChange,
  SharedSwitch,
} from '../../src/nicswitch/index.ts';
import { BROADCAST, frameBytes, mac } from './fixtures.ts';

function sharedSwitch(options: object = {}): SharedSwitch {
  const shared = new SharedSwitch({ vports: 2, ...options });
  for (const v of [0, 1]) {
    shared.nicSwitch.setVPortEnabled(v, true, true);
    shared.nicSwitch.addMac(v, mac(v));
  }
  return shared;
}

describe('the mailbox of a shared switch', () => {
  it.each<[string, unknown]>([
    ['a change whose error quotes more than an answer holds', [['addMac', 0, 'x'.repeat(16_300)]]],
    ['a method with a name of that length', [['x'.repeat(16_300)]]],
    ['no changes at all', undefined],
    ['changes that are no list', { addMac: 1 }],
    ['a change that is no list', [null]],
    ['a name that is none', [[5]]],
  ])('answers %s with an error, and the switch goes on', (_, changes) => {
    const shared = sharedSwitch();
    const configuration = attachSwitchConfiguration(shared.descriptor);
    const post = () => configuration.post(changes as readonly ConfigurationChange[]);
    // What cannot be asked for at all is refused at once, by who asks.
    try {
      expect(post()).toBe(true);
    } catch (error) {
      expect(error).toBeInstanceOf(TypeError);
    }
    shared.forward();
    expect(() => {
      if (configuration.poll() === undefined) throw new TypeError('refused at once');
    }).toThrow(Error);
    expect(configuration.post([['hasMac' as 'addMac', 0, mac(0)]])).toBe(true);
    shared.forward();
    expect(() => configuration.poll()).toThrow(/a change must name a method that configures/);
  });

  it('is free again when it is taken from a thread that has ended while it had it', () => {
    for (const answered of [false, true]) {
      const shared = sharedSwitch();
      expect(attachSwitchConfiguration(shared.descriptor).post([['setLoopback', true]])).toBe(true);
      if (answered) shared.forward();
      const next = attachSwitchConfiguration(shared.descriptor);
      expect(next.post([['setLoopback', false]])).toBe(false);
      shared.detachConfiguration();
      expect(next.post([['setLoopback', false]])).toBe(true);
      shared.forward();
      expect(next.poll()).toEqual([null]);
    }
  });

  it('does not answer who had it taken from', () => {
    const shared = sharedSwitch();
    const [one, other] = [0, 1].map(() => attachSwitchConfiguration(shared.descriptor));
    one.post([['addMac', 0, mac(9)]]);
    shared.detachConfiguration();
    other.post([['setLoopback', true]]);
    shared.forward();
    expect(other.poll()).toEqual([null]);
    expect(shared.nicSwitch.hasMac(0, mac(9))).toBe(false);
  });
});

describe('a storm limit of a shared switch', () => {
  it('needs a clock, and says so', () => {
    const shared = sharedSwitch();
    const configuration = attachSwitchConfiguration(shared.descriptor);
    configuration.post([['setStormLimit', 0, 'broadcast', { framesPerSecond: 1000 }]]);
    shared.forward();
    expect(() => configuration.poll()).toThrow(/change 0: a storm limit needs a clock/);
  });

  it('goes by the clock that it is given', () => {
    const clock = { now: 0 };
    const shared = sharedSwitch({ clock });
    shared.nicSwitch.setStormLimit(0, 'broadcast', { framesPerSecond: 1000, burstFrames: 1 });
    const sender = attachSwitchPort(shared.descriptor, 0);
    const received = attachSwitchPort(shared.descriptor, 1);
    let count = 0;
    for (const ms of [0, 0.5, 1, 2]) {
      clock.now = ms * 1e9;
      sender.send(frameBytes({ to: BROADCAST }));
      shared.forward();
      for (; received.receive() >= 0; received.release()) count++;
    }
    expect(count).toBe(3);
  });
});

describe('rings of one entry', () => {
  it('carry every frame, one at a time, and give every slot back', () => {
    const shared = sharedSwitch({ sendEntries: 1, receiveEntries: 1, queueEntries: 1 });
    const ports = [0, 1].map((v) => attachSwitchPort(shared.descriptor, v));
    const wire = attachSwitchPort(shared.descriptor, 2);
    const got = [0, 0, 0];
    const all = [...ports, wire];
    let sent = 0;
    for (let round = 0; round < 200; round++) {
      if (ports[round & 1].send(frameBytes({ to: round % 3 === 0 ? BROADCAST : mac(1 - (round & 1)) })))
        sent++;
      shared.forward(1);
      for (const [at, port] of all.entries()) {
        // The wire's receiver is slow.
        if (at === 2 && round % 5 !== 0) continue;
        for (; port.receive() >= 0; port.release()) got[at]++;
      }
    }
    for (let i = 0; i < 4; i++) {
      shared.forward();
      for (const [at, port] of all.entries()) for (; port.receive() >= 0; port.release()) got[at]++;
    }
    shared.nicSwitch.checkBalance();
    expect(sent).toBe(200);
    expect(got[0] + got[1]).toBe(200);
    const { free, senders, receivers, switch: held } = shared.slots();
    expect([free + senders, receivers, held]).toEqual([shared.nicSwitch.frames.slots, 0, 0]);
  });
});
