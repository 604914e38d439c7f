import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  busOf,
  deviceOf,
  formatRoutingId,
  functionOf,
  makeRoutingId,
  parseRoutingId,
} from '../../../src/pcie/index.ts';

describe('Routing IDs', () => {
  it('have the bus in the upper byte, then five bits of device and three of function', () => {
    const routingId = makeRoutingId(1, 0x10, 2);
    expect(routingId).toBe(0x0182);
    expect([busOf(routingId), deviceOf(routingId), functionOf(routingId)]).toEqual([1, 16, 2]);
  });

  it('are written bus:device.function', () => {
    expect(formatRoutingId(0x0182)).toBe('01:10.2');
    expect(formatRoutingId(0xffff)).toBe('ff:1f.7');
  });

  it('are read with and without the segment', () => {
    expect(parseRoutingId('01:10.2')).toBe(0x0182);
    expect(parseRoutingId('0000:83:1f.6')).toBe(0x83fe);
  });

  it.each(['', '01:10', '01:20.0', '01:10.8', '0001:01:10.2', '01:10.2 ', '101:00.0'])(
    'refuse %j',
    (text) => {
      expect(() => parseRoutingId(text)).toThrow(RangeError);
    },
  );

  it('come back from their text', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff }), (routingId) => {
        expect(parseRoutingId(formatRoutingId(routingId))).toBe(routingId);
      }),
    );
  });

  it('refuse numbers out of range by name', () => {
    expect(() => makeRoutingId(256, 0, 0)).toThrow('bus must be an integer from 0 to 255, got 256');
    expect(() => makeRoutingId(0, 32, 0)).toThrow('device must be');
    expect(() => makeRoutingId(0, 0, 8)).toThrow('function must be');
  });
});
