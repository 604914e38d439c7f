import { describe, expect, it } from 'vitest';
import { Endpoint, restoreEndpoint, saveEndpoint } from '../../../src/pcie/index.ts';
import { intel82599Config } from '../../../src/profiles/intel-82599-config.ts';
import { genericProfile, machine, SRIOV } from './fixture.ts';

describe('configuration requests', () => {
  it('of type 0 are for the function number, whatever the bus number says', () => {
    const endpoint = new Endpoint({ functions: intel82599Config({ ports: 2 }), bus: 1 });
    expect(endpoint.configRead(0x0501, 0, 4, 0)).toBe(0x10fb8086);
    expect(endpoint.configRead(0x0102, 0, 4, 0)).toBe(-1);
  });

  it('of type 0 that write give the device its bus number', () => {
    const endpoint = new Endpoint({ functions: intel82599Config() });
    expect(endpoint.bus).toBe(0);
    endpoint.configRead(0x0500, 0, 4, 0);
    expect(endpoint.bus).toBe(0);
    endpoint.configWrite(0x0500, 4, 2, 0, 0);
    expect(endpoint.bus).toBe(5);
    expect(endpoint.functions[0].name).toBe('05:00.0');
  });

  it('of type 1 reach VFs on the next bus and give no bus number', () => {
    const endpoint = new Endpoint({ functions: intel82599Config(), bus: 1 });
    endpoint.configWrite(0x0100, SRIOV + 0x10, 2, 1);
    endpoint.configWrite(0x0100, SRIOV + 0x08, 2, 1);
    expect(endpoint.configRead(0x0280, 0x70, 4, 1)).toBe(0x0002a011);
    expect(endpoint.configWrite(0x0280, 4, 2, 4, 1)).toBe(true);
    expect(endpoint.functionAt(0x0280)?.busMaster).toBe(true);
    expect(endpoint.bus).toBe(1);
    expect(endpoint.configRead(0x0200, 0, 4, 1)).toBe(-1);
    expect(endpoint.configWrite(0x0282, 4, 2, 4, 1)).toBe(false);
  });

  it('without a type find VFs by their Routing ID', () => {
    const { endpoint } = machine(intel82599Config(), { ari: false });
    endpoint.configWrite(0x0100, SRIOV + 0x10, 2, 1);
    endpoint.configWrite(0x0100, SRIOV + 0x08, 2, 1);
    endpoint.configWrite(0x0280, 4, 2, 4);
    expect([endpoint.bus, endpoint.functionAt(0x0280)?.busMaster]).toEqual([1, true]);
  });

  it('write the bytes that byte enables name', () => {
    const endpoint = new Endpoint({ functions: intel82599Config(), bus: 1 });
    endpoint.configWriteDword(0x0100, SRIOV + 0x10, 0xffff0008, 0b0011);
    expect(endpoint.configRead(0x0100, SRIOV + 0x10, 2)).toBe(8);
    expect(endpoint.configWriteDword(0x0103, 0, 0, 15)).toBe(false);
  });

  it('are counted, and those for nobody apart', () => {
    const endpoint = new Endpoint({ functions: intel82599Config(), bus: 1 });
    endpoint.configRead(0x0100, 0, 4);
    endpoint.configRead(0x0107, 0, 4);
    expect(endpoint.counters()).toEqual({ configRequests: 2, configUnsupported: 1 });
    endpoint.reset();
    expect(endpoint.counters()).toEqual({ configRequests: 0, configUnsupported: 0 });
  });
});

describe('memory addresses', () => {
  it('lead to function, BAR and offset', () => {
    const { endpoint, nics } = machine(intel82599Config({ ports: 2 }));
    for (const [i, nic] of nics.entries()) {
      for (const bar of nic.bars.filter((each) => each.kind !== 'io')) {
        expect(endpoint.claim(bar.address + bar.bytes - 4)).toBe(true);
        expect(endpoint.hitFunction).toBe(endpoint.functions[i]);
        expect([endpoint.hitBar, endpoint.hitOffset]).toEqual([bar.index, bar.bytes - 4]);
      }
      const io = nic.bars.find((each) => each.kind === 'io')!;
      expect([endpoint.claimIo(io.address + 31), endpoint.hitBar, endpoint.hitOffset]).toEqual([true, 2, 31]);
    }
    expect(endpoint.claim(0)).toBe(false);
    expect(endpoint.claimIo(0)).toBe(false);
  });

  it('are answered only while Memory Space Enable is set', () => {
    const { endpoint, nics, root } = machine();
    const { address } = nics[0].bars[0];
    expect(endpoint.claim(address)).toBe(true);
    root.write(0x0100, 4, 2, 4);
    expect(endpoint.claim(address)).toBe(false);
  });

  it('follow a BAR that is moved', () => {
    const { endpoint, nics, root } = machine();
    const { address } = nics[0].bars[0];
    root.write(0x0100, 0x10, 4, 0x50000000);
    root.write(0x0100, 0x14, 4, 0);
    expect([endpoint.claim(address), endpoint.claim(0x50000010), endpoint.hitOffset]).toEqual([
      false,
      true,
      16,
    ]);
  });

  it('are answered by the lower BAR where BARs overlap, whatever was asked before', () => {
    const { endpoint, root } = machine();
    root.write(0x0100, 0x10, 4, 0x50000000);
    root.write(0x0100, 0x14, 4, 0);
    root.write(0x0100, 0x20, 4, 0x5001c000);
    root.write(0x0100, 0x24, 4, 0);
    for (const address of [0x50000000, 0x5001c000, 0x5001fffc, 0x5001c000]) {
      expect([endpoint.claim(address), endpoint.hitBar]).toEqual([true, 0]);
    }
    root.write(0x0100, 0x20, 4, 0x50010000);
    expect([endpoint.claim(0x50010000), endpoint.hitBar]).toEqual([true, 0]);
  });
});

describe('Endpoint', () => {
  it('lists its functions by Routing ID, those of both PFs mixed', () => {
    const { endpoint, root, nics } = machine(intel82599Config({ ports: 2 }));
    for (const nic of nics) {
      root.write(nic.routingId, SRIOV + 0x10, 2, 2);
      root.write(nic.routingId, SRIOV + 0x08, 2, nic.routingId === 0x0100 ? 0x11 : 1);
    }
    expect(endpoint.allFunctions().map((fn) => fn.name)).toEqual([
      '01:00.0',
      '01:00.1',
      '01:10.0',
      '01:10.1',
      '01:10.2',
      '01:10.3',
    ]);
  });

  it('can have gaps between its function numbers, which ARI links', () => {
    const profile = genericProfile({ totalVfs: 1 });
    const endpoint = new Endpoint({ functions: [profile, profile], numbers: [0, 9] });
    const at = endpoint.functions[0].findExtendedCapability(0x0e);
    expect(endpoint.configRead(0x0000, at + 4, 2)).toBe(0x0900);
    expect(endpoint.configRead(0x0009, 0, 4)).toBe(0x00011234);
    expect(() => new Endpoint({ functions: [profile], numbers: [1] })).toThrow('function number must be');
    expect(() => new Endpoint({ functions: [profile, profile], numbers: [0, 0] })).toThrow('function number');
    expect(() => new Endpoint({ functions: [] })).toThrow('number of functions must be');
  });

  it('takes back what it saved, VFs included', () => {
    const { endpoint, root } = machine(intel82599Config({ ports: 2 }));
    root.write(0x0100, SRIOV + 0x10, 2, 4);
    root.write(0x0100, SRIOV + 0x08, 2, 0x19);
    root.write(0x0186, 4, 2, 4);
    root.write(0x0186, 0x72, 2, 0x8000);
    const saved = saveEndpoint(endpoint);
    const other = new Endpoint({ functions: intel82599Config({ ports: 2 }) });
    restoreEndpoint(other, saved);
    expect(saveEndpoint(other)).toEqual(saved);
    const vf = other.functionAt(0x0186)!;
    expect([vf.busMaster, vf.msixEnabled, vf.barBase(0)]).toEqual([
      true,
      true,
      endpoint.functionAt(0x0186)!.barBase(0),
    ]);
    expect(other.functions[1].sriov!.firstVfOffset).toBe(128);
  });

  it('takes back Routing IDs of VFs that a reset of the other PF did not move', () => {
    const { endpoint, root } = machine(intel82599Config({ ports: 2 }));
    root.write(0x0101, SRIOV + 0x10, 2, 1);
    root.write(0x0101, SRIOV + 0x08, 2, 1);
    endpoint.functions[0].functionLevelReset();
    const other = new Endpoint({ functions: intel82599Config({ ports: 2 }) });
    restoreEndpoint(other, saveEndpoint(endpoint));
    expect(other.allFunctions().map((fn) => fn.name)).toEqual(['01:00.0', '01:00.1', '01:10.1']);
    expect(saveEndpoint(other)).toEqual(saveEndpoint(endpoint));
  });

  it('is after reset as it was when it was made', () => {
    const { endpoint } = machine();
    endpoint.reset();
    expect(saveEndpoint(endpoint)).toEqual(saveEndpoint(new Endpoint({ functions: intel82599Config() })));
    expect(endpoint.bus).toBe(0);
  });
});
