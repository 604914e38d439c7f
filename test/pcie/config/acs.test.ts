import { describe, expect, it } from 'vitest';
import {
  ACS_ISOLATION,
  ACS_OF_PORTS,
  type AcsOptions,
  AcsService,
  acs,
  aer,
  BridgePort,
  configBytes,
  Endpoint,
  explainConfig,
  formatExplained,
  PORT_DOWNSTREAM,
  UncorrectableError,
} from '../../../src/pcie/index.ts';
import { genericProfile } from './fixture.ts';

function port(options: AcsOptions): BridgePort {
  return new BridgePort({
    routingId: 0x0100,
    portType: PORT_DOWNSTREAM,
    extraCapabilities: [acs({ at: 0x140, ...options })],
  });
}

describe('Access Control Services', () => {
  it('show the services that there are, and let software turn on just those', () => {
    const { config } = port({}).function;
    expect(config.read32(0x140)).toBe(0x0001000d);
    expect(config.read32(0x144)).toBe(0x1f);
    config.write16(0x146, 0xffff);
    expect(config.read16(0x146)).toBe(ACS_OF_PORTS);
    config.write16(0x146, ACS_ISOLATION);
    expect(config.read16(0x146)).toBe(0x1d);
  });

  it.each([
    [5, 1, 0x1f],
    [32, 1, 0xffffffff],
    [33, 2, 0xffffffff],
    [256, 8, 0xffffffff],
  ])('have an Egress Control Vector of %i bits in %i dwords', (egressBits, dwords, first) => {
    const capability = acs({ services: AcsService.egressControl, egressBits });
    expect(capability.bytes).toBe(8 + 4 * dwords);
    const { config } = port({ services: AcsService.egressControl, egressBits }).function;
    expect(config.read16(0x144)).toBe(0x20 | ((egressBits & 0xff) << 8));
    config.write32(0x148, 0xffffffff);
    expect(config.read32(0x148)).toBe(first);
    config.write32(0x148 + 4 * dwords, 0xffffffff);
    expect(config.read32(0x148 + 4 * dwords)).toBe(0);
  });

  it('have no vector without egress control', () => {
    expect(acs().bytes).toBe(8);
    expect(port({ egressBits: 8 }).function.config.read16(0x144) >> 8).toBe(0);
  });

  it('are off again after a Function Level Reset', () => {
    const profile = genericProfile({ totalVfs: 1 });
    const capabilities = [...profile.capabilities, acs({ services: 0x0c })];
    const [fn] = new Endpoint({ functions: [{ ...profile, capabilities }] }).functions;
    const at = fn.findExtendedCapability(0x0d);
    fn.config.write16(at + 6, 0x0c);
    fn.functionLevelReset();
    expect(fn.config.read16(at + 6)).toBe(0);
  });

  it('refuse services and vectors that do not exist', () => {
    expect(() => acs({ services: 0x80 })).toThrow('services must be');
    expect(() => acs({ egressBits: 0 })).toThrow('egressBits must be');
    expect(() => acs({ egressBits: 257 })).toThrow('egressBits must be');
  });

  it('are explained bit by bit', () => {
    const { function: fn } = port({ services: 0x7f, egressBits: 40 });
    fn.config.write16(0x146, AcsService.requestRedirect);
    fn.config.write32(0x14c, 0x81);
    const parts = explainConfig(configBytes(fn));
    expect(parts.at(-1)?.title).toBe('ACS at 140h');
    expect(parts.at(-1)?.registers.map(({ name }) => name)).toEqual([
      'ACS Extended Capability Header',
      'ACS Capability Register',
      'ACS Control Register',
      'Egress Control Vector 0',
      'Egress Control Vector 1',
    ]);
    const lines = formatExplained(parts).split('\n');
    const line = (name: string) => lines.find((each) => each.includes(name)) ?? '';
    expect(line('ACS P2P Request Redirect Enable')).toMatch(/\b1\b/);
    expect(line('ACS Upstream Forwarding Enable')).toMatch(/\b0\b/);
    expect(parts.at(-1)?.registers.at(-1)?.value).toBe(0x81);
  });
});

describe('ACS Violation in AER', () => {
  it('is an error of functions that have access control services, and of no other', () => {
    const withAcs = aer({ acs: true });
    const profile = genericProfile({ totalVfs: 1 });
    const writable = [withAcs, aer()].map((capability) => {
      const [fn] = new Endpoint({ functions: [{ ...profile, capabilities: [capability] }] }).functions;
      fn.config.write32(0x108, 0xffffffff);
      return (fn.config.read32(0x108) >>> UncorrectableError.acsViolation) & 1;
    });
    expect(writable).toEqual([1, 0]);
  });
});
