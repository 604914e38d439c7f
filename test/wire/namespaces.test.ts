import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readCapture } from '../../src/wire/capture.ts';
import { internetSum } from '../../src/wire/checksum.ts';
import { EtherType, readDestination, readSource } from '../../src/wire/ethernet.ts';
import { IpProtocol, isIpv4ChecksumValid, parseIpv4 } from '../../src/wire/ipv4.ts';
import { formatMac } from '../../src/wire/mac.ts';
import { parseTagStack } from '../../src/wire/tag-stack.ts';
import { isTcpChecksumValid, parseTcp, TcpFlag } from '../../src/wire/tcp.ts';
import { findStamp } from '../../src/wire/test-frame.ts';
import { isUdpChecksumValid, parseUdp, UDP } from '../../src/wire/udp.ts';

const FOLDER = new URL('../../scenarios/captures/', import.meta.url);
const capture = readCapture(readFileSync(new URL('namespaces.pcap', FOLDER)));

const PROTOCOLS: Record<number, string> = {
  [IpProtocol.ICMP]: 'ICMP echo',
  [IpProtocol.TCP]: 'TCP',
  [IpProtocol.UDP]: 'UDP',
};

/** What the layers above Ethernet say about one frame. */
function decode(bytes: Uint8Array) {
  const stack = parseTagStack(bytes, 0, bytes.length)!;
  const tag = stack.tags[0];
  const vlan = tag?.kind === 'vlan' ? tag.tag : undefined;
  const left = bytes.length - stack.payloadOffset;
  const ip = stack.etherType === EtherType.IPV4 ? parseIpv4(bytes, stack.payloadOffset, left) : undefined;
  const protocol = ip ? PROTOCOLS[ip.protocol] : stack.etherType === EtherType.ARP ? 'ARP' : 'other';
  return { bytes, vlan, networkOffset: stack.payloadOffset, ip, protocol };
}

const frames = capture.packets.map(({ bytes }) => decode(bytes));

/** Frames by what `key` says of them. */
function count<T>(items: readonly T[], key: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[key(item)] = (counts[key(item)] ?? 0) + 1;
  return counts;
}

describe('the capture between two namespaces', () => {
  it('has the frames that its description lists, by protocol and VLAN', () => {
    const columns = ['untagged', 'VLAN 100', 'VLAN 200'];
    const counts = count(
      frames,
      ({ protocol, vlan }) => `${protocol} ${vlan ? `VLAN ${vlan.id}` : 'untagged'}`,
    );
    expect(counts).toEqual({
      'ARP untagged': 2,
      'ARP VLAN 100': 2,
      'ARP VLAN 200': 2,
      'ICMP echo untagged': 14,
      'ICMP echo VLAN 100': 6,
      'ICMP echo VLAN 200': 4,
      'TCP untagged': 26,
      'UDP untagged': 16,
      'UDP VLAN 100': 6,
      'UDP VLAN 200': 4,
    });
    const description = readFileSync(new URL('README.md', FOLDER), 'utf8');
    for (const protocol of Object.values(PROTOCOLS).concat('ARP')) {
      const cells = columns.map((column) => counts[`${protocol} ${column}`] ?? '');
      const all = frames.filter((frame) => frame.protocol === protocol).length;
      expect(description).toContain(`| ${[protocol, ...cells, all].join(' | ').replaceAll('  ', ' ')} |`);
    }
    expect(frames).toHaveLength(82);
  });

  it('has the pairs of stations that its description lists', () => {
    const pair = (bytes: Uint8Array) =>
      `${formatMac(readSource(bytes, 0))} ${formatMac(readDestination(bytes, 0))}`;
    expect(count(frames, ({ bytes }) => pair(bytes))).toEqual({
      '02:00:00:00:01:0a 02:00:00:00:01:0b': 37,
      '02:00:00:00:01:0b 02:00:00:00:01:0a': 36,
      '02:00:00:00:01:0a ff:ff:ff:ff:ff:ff': 5,
      '02:00:00:00:01:0b ff:ff:ff:ff:ff:ff': 1,
      '02:00:00:00:01:0a 01:00:5e:01:02:03': 3,
    });
  });

  it('has the priorities of its VLANs', () => {
    const tags = frames.flatMap(({ vlan }) => (vlan ? [`${vlan.id} ${vlan.priority}`] : []));
    expect(new Set(tags)).toEqual(new Set(['100 3', '200 0']));
  });

  it('has whole frames of 42 to 1,514 bytes, full-size TCP segments among them', () => {
    const lengths = frames.map(({ bytes }) => bytes.length);
    expect([Math.min(...lengths), Math.max(...lengths)]).toEqual([42, 1514]);
    expect(frames.filter(({ bytes, protocol }) => protocol === 'TCP' && bytes.length === 1514)).toHaveLength(
      8,
    );
  });

  it('has times that never go back, to the nanosecond, and lasts 0.746 s', () => {
    const times = capture.packets.map(({ timePs }) => timePs);
    expect(times[0]).toBe(0);
    expect(times.every((time, i) => i === 0 || time > times[i - 1])).toBe(true);
    expect(times.every((time) => time % 1000 === 0)).toBe(true);
    expect(times[81]).toBe(746_255_104_000);
  });

  it('has the right checksum in every IPv4 header', () => {
    const headers = frames.filter(({ ip }) => ip);
    expect(headers).toHaveLength(76);
    for (const { bytes, networkOffset } of headers)
      expect(isIpv4ChecksumValid(bytes, networkOffset)).toBe(true);
  });

  it('has the right checksum in every ICMP message, TCP segment and UDP datagram', () => {
    for (const { bytes, networkOffset, ip, protocol } of frames) {
      if (ip === undefined) continue;
      const offset = networkOffset + ip.headerBytes;
      const length = ip.totalBytes - ip.headerBytes;
      if (protocol === 'ICMP echo') expect(internetSum(bytes, offset, length)).toBe(0xffff);
      if (protocol === 'TCP') expect(isTcpChecksumValid(bytes, networkOffset, offset, length)).toBe(true);
      if (protocol === 'UDP') {
        expect(parseUdp(bytes, offset, length)?.checksum).not.toBe(0);
        expect(isUdpChecksumValid(bytes, networkOffset, offset)).toBe(true);
        const damaged = bytes.slice();
        damaged[offset + UDP.SOURCE_PORT] ^= 1;
        expect(isUdpChecksumValid(damaged, networkOffset, offset)).toBe(false);
      }
    }
  });

  it('has one whole TCP connection', () => {
    const segments = frames.flatMap(({ bytes, networkOffset, ip, protocol }) => {
      if (protocol !== 'TCP' || ip === undefined) return [];
      const length = ip.totalBytes - ip.headerBytes;
      const header = parseTcp(bytes, networkOffset + ip.headerBytes, length)!;
      return [{ ...header, dataBytes: length - header.headerBytes }];
    });
    const flags = segments.map((segment) => segment.flags);
    expect(flags.slice(0, 3)).toEqual([TcpFlag.SYN, TcpFlag.SYN | TcpFlag.ACK, TcpFlag.ACK]);
    expect(flags.filter((bits) => bits & TcpFlag.FIN)).toHaveLength(2);
    const received = segments.filter(({ sourcePort }) => sourcePort === 8080);
    expect(received.reduce((sum, { dataBytes }) => sum + dataBytes, 0)).toBe(12_345);
  });

  it('has no frame that could be taken for a test frame', () => {
    const words = new Int32Array(512);
    const u8 = new Uint8Array(words.buffer);
    for (const { bytes } of frames) {
      u8.set(bytes);
      expect(findStamp(words, 0, bytes.length)).toBe(-1);
    }
  });
});
