import { type Capture, CaptureError, type RawCapture, type RawPacket } from './capture-types.ts';
import { isPcap, readPcap } from './pcap.ts';
import { isPcapng, readPcapng } from './pcapng.ts';

/**
 * Reads a capture file: classic pcap with microseconds or nanoseconds, or pcapng, in either byte order. Only Ethernet, and
 * only whole packets. Packets come out in the order of their time stamps; one without (pcapng's Simple Packet
 * Block) gets the time of the one before it in the file.
 *
 * @throws CaptureError for every defect of the file, TypeError if `bytes` is no Uint8Array.
 * @example
 * const capture = readCapture(readFileSync('scenarios/captures/namespaces.pcap'));
 * for (const { timePs, bytes } of capture.packets) console.log(timePs, formatMac(readSource(bytes, 0)));
 */
export function readCapture(bytes: Uint8Array): Capture {
  if (!(bytes instanceof Uint8Array)) throw new TypeError('bytes must be a Uint8Array');
  // A plain view, because a subclass (Node's Buffer) may have methods of the same name that do other things.
  const { interfaces, packets } = readRaw(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  const timed = withTimes(packets);
  const sorted = timed.sort((a, b) => (a.timePs < b.timePs ? -1 : a.timePs > b.timePs ? 1 : 0));
  const firstPs = sorted.length === 0 ? 0n : sorted[0].timePs;
  return {
    interfaces: interfaces.map(({ name }) => ({ name })),
    packets: sorted.map(({ packet, timePs }) => ({
      timePs: relativeTime(timePs - firstPs, packet),
      bytes: packet.bytes,
      originalLength: packet.originalLength,
      interface: packet.interface,
    })),
  };
}

function readRaw(bytes: Uint8Array): RawCapture {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length === 0) throw new CaptureError('the file is empty', 0);
  if (isPcapng(view)) return readPcapng(bytes, view);
  if (isPcap(view)) return readPcap(bytes, view);
  throw new CaptureError(
    'the file is no capture: it starts with the magic number of neither pcap nor pcapng',
    0,
  );
}

/** Gives every packet a time: that of the packet before it or, before the first that has one, that one's. */
function withTimes(packets: readonly RawPacket[]): { packet: RawPacket; timePs: bigint }[] {
  let timePs = packets.find((packet) => packet.timePs !== undefined)?.timePs ?? 0n;
  return packets.map((packet) => {
    timePs = packet.timePs ?? timePs;
    return { packet, timePs };
  });
}

function relativeTime(sincePs: bigint, packet: RawPacket): number {
  if (sincePs > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new CaptureError(
      'the packet is more than 2^53 ps (2.5 hours) later than the first, too late to be simulated',
      packet.fileOffset,
    );
  }
  return Number(sincePs);
}
