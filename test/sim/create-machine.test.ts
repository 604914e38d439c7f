import { describe, expect, it } from 'vitest';
import { createMachine, profiles } from '../../src/index.ts';
import { intel82599Chip } from '../../src/profiles/index.ts';

const TEN_GBPS = 1e10;

describe('createMachine', () => {
  it.each([
    ['by default', undefined],
    ['given as a profile', profiles.nic.intel82599],
    ['given by name', { profile: 'intel-82599' } as const],
  ])('gives the port the fastest rate of the card, %s', (_, nic) => {
    const machine = createMachine({ nic, guests: [{ name: 'a' }] });
    machine.host.sysfs.write('0000:01:00.0/sriov_numvfs', '1');
    machine.guests[0].traffic.send({ to: 'port', frameBytes: 1518, saturate: true });
    const [port] = machine.run({ simulatedMs: 0.2, warmUpMs: 0.1 }).endpoints;
    // 1,518 bytes of 1,538 on the wire.
    expect(port.rxGbps * 1e9).toBeCloseTo((TEN_GBPS * 1518) / 1538, -8);
  });

  it.each(['generic', 'generic-100g'] as const)('makes the card that is named: %s', (profile) => {
    const machine = createMachine({ nic: { profile }, guests: [{ name: 'a' }] });
    expect(machine.nic.profile.name).toBe(profile);
  });

  it('has no card with all registers of its chip: a program gives that as a profile', () => {
    const nic = { profile: 'intel-82599-chip' } as const;
    expect(() => createMachine({ nic })).toThrow(
      'there is no profile intel-82599-chip; allowed intel-82599, generic, generic-100g',
    );
    const own = createMachine({ nic: intel82599Chip(), guests: [{ name: 'a' }] });
    expect(own.nic.profile.makeProbe).toBeDefined();
  });

  it('refuses other options of a run than there are, and names those', () => {
    const machine = createMachine({ guests: [{ name: 'a' }] });
    expect(() => machine.run({ simulatedM: 1 } as never)).toThrow(
      new TypeError(
        'run options has no option "simulatedM" (did you mean "simulatedMs"?): allowed are simulatedMs, warmUpMs',
      ),
    );
    expect(() => machine.run(1 as never)).toThrow(new TypeError('run options must be an object, got 1'));
    expect(() => machine.run({} as never)).toThrow('simulatedMs must be a number, got undefined');
  });

  it('sends to an address in any spelling', () => {
    const machine = createMachine({ guests: [{ name: 'a' }, { name: 'b' }] });
    machine.host.sysfs.write('0000:01:00.0/sriov_numvfs', '2');
    const [a, b] = machine.guests;
    const to = b.vf(0).mac.replaceAll(':', '-').toUpperCase();
    a.traffic.send({ to, ratePps: 1e6 });
    const [flow] = machine.run({ simulatedMs: 0.1 }).flows;
    expect(flow.to).toBe('b');
    expect(flow.delivered).toBeGreaterThan(50);
  });

  it.each([
    [{ ratePps: Number.NaN }, 'options.ratePps: NaN is out of range; allowed 0.001 to 1000000000'],
    [{ ratePps: -1 }, 'options.ratePps: -1 is out of range; allowed 0.001 to 1000000000'],
    [{ ratePps: '5' as never }, 'options.ratePps: "5" is out of range; allowed 0.001 to 1000000000'],
    [{ rateMbps: 0 }, 'options.rateMbps: 0 is out of range; allowed 0.001 to 1000000'],
    [
      { ratePps: 1, arrivals: 'bursty' as never },
      'options.arrivals: "bursty" is unknown; allowed constant, poisson',
    ],
  ])('refuses to send at %o', (rate, line) => {
    const machine = createMachine();
    expect(() => machine.host.traffic.send({ to: 'port', ...rate })).toThrow(line);
  });

  it.each([
    [null, 'createMachine options must be an object, got null'],
    [{ guest: [] }, 'createMachine options has no option "guest" (did you mean "guests"?)'],
    [{ nic: 'intel-82599' }, 'nic must be an object, got "intel-82599"'],
    [
      { nic: { speed: 10 } },
      'nic has no option "speed": allowed are profile, vfs, ari, loopback, linkGbps, mtu, port',
    ],
    [{ host: null }, 'host must be an object, got null'],
    [{ host: { iomu: true } }, 'host has no option "iomu" (did you mean "iommu"?)'],
    [{ guests: { name: 'a' } }, 'guests must be a list, got an object'],
    [{ guests: [null] }, 'guests[0] must be an object, got null'],
    [{ guests: [{ name: 5 }] }, 'guests[0].name must be a string, got 5'],
    [{ guests: [{ vlan: 5 }] }, 'guests[0] has no option "vlan"'],
    [{ guests: [{ vfs: [{ vlans: 5 }] }] }, 'guests[0].vfs[0] has no option "vlans" (did you mean "vlan"?)'],
    [{ hostInterface: [] }, 'hostInterface must be an object, got an empty list'],
  ])('refuses %o', (options, message) => {
    expect(() => createMachine(options as never)).toThrow(message);
    expect(() => createMachine(options as never)).toThrow(TypeError);
  });

  it('refuses to send what is not described, and to write what is no text', () => {
    const machine = createMachine();
    expect(() => machine.port.traffic.send(undefined as never)).toThrow(
      'port.traffic.send options must be an object, got nothing',
    );
    expect(() => machine.port.traffic.send({ to: 'host', rate: 5 } as never)).toThrow(
      'port.traffic.send options has no option "rate"',
    );
    expect(() => machine.host.sysfs.write('0000:01:00.0/sriov_numvfs', 2 as never)).toThrow(
      'text must be a string, got 2',
    );
  });
});
