import { describe, expect, it } from 'vitest';
import { TOEPLITZ_KEY_BYTES, toeplitzHash } from '../../src/wire/toeplitz.ts';
import { fromHex } from './bytes.ts';

/** The key, and the inputs with their results, of "Verifying the RSS Hash Calculation" (Microsoft). */
const KEY = fromHex(`6d5a56da255b0ec24167253d43a38fb0 d0ca2bcbae7b30b477cb2da38030f20c 6a42b73bbeac01fa`);
const IPV4 = [
  ['66.9.149.187', 2794, '161.142.100.80', 1766, 0x323e_8fc2, 0x51cc_c178],
  ['199.92.111.2', 14230, '65.69.140.83', 4739, 0xd718_262a, 0xc626_b0ea],
  ['24.19.198.95', 12898, '12.22.207.184', 38024, 0xd2d0_a5de, 0x5c2b_394a],
  ['38.27.205.30', 48228, '209.142.163.6', 2217, 0x8298_9176, 0xafc7_327f],
  ['153.39.163.191', 44251, '202.188.127.2', 1303, 0x5d18_09c5, 0x10e8_28a2],
] as const;
const IPV6 = [
  [
    '3ffe250102001fff0000000000000007',
    2794,
    '3ffe2501020000030000000000000001',
    1766,
    0x2cc1_8cd5,
    0x4020_7d3d,
  ],
  [
    '3ffe050100080000026097fffe40efab',
    14230,
    'ff020000000000000000000000000001',
    4739,
    0x0f0c_461c,
    0xdde5_1bbf,
  ],
  [
    '3ffe1900454500030200f8fffe2167cf',
    44251,
    'fe800000000000000200f8fffe2167cf',
    38024,
    0x4b61_e985,
    0x02d1_feef,
  ],
] as const;

const address = (text: string): number[] => text.split('.').map(Number);
const ports = (source: number, destination: number): number[] =>
  [source, destination].flatMap((port) => [port >> 8, port & 0xff]);

describe('the Toeplitz hash', () => {
  it('has a key of forty bytes', () => expect(KEY.length).toBe(TOEPLITZ_KEY_BYTES));

  it.each(IPV4)('of IPv4 from %s:%i to %s:%i is that of the verification suite', (...row) => {
    const [source, sourcePort, destination, destinationPort, withoutPorts, withPorts] = row;
    const input = [...address(source), ...address(destination), ...ports(sourcePort, destinationPort)];
    const u8 = Uint8Array.from([0xff, ...input]);
    expect(toeplitzHash(KEY, u8, 1, 8)).toBe(withoutPorts);
    expect(toeplitzHash(KEY, u8, 1, 12)).toBe(withPorts);
    expect((toeplitzHash(KEY, u8, 1, 8) ^ toeplitzHash(KEY, u8, 9, 4, 8)) >>> 0).toBe(withPorts);
  });

  it.each(IPV6)('of IPv6 from %s port %i to %s port %i is that of the verification suite', (...row) => {
    const [source, sourcePort, destination, destinationPort, withoutPorts, withPorts] = row;
    const u8 = Uint8Array.from([
      ...fromHex(source),
      ...fromHex(destination),
      ...ports(sourcePort, destinationPort),
    ]);
    expect(toeplitzHash(KEY, u8, 0, 32)).toBe(withoutPorts);
    expect(toeplitzHash(KEY, u8, 0, 36)).toBe(withPorts);
    expect((toeplitzHash(KEY, u8, 0, 32) ^ toeplitzHash(KEY, u8, 32, 4, 32)) >>> 0).toBe(withPorts);
  });
});
