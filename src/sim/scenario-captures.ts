import { hex } from '../base/index.ts';
import {
  type Capture,
  type CapturePacket,
  crc32,
  ETHERNET_HEADER_BYTES,
  formatMac,
  isVlanEtherType,
  readCapture as parseCapture,
  readDestination,
  readEtherType,
  readSource,
  VLAN_TAG_BYTES,
} from '../wire/index.ts';
import type { EndpointDirectory } from './scenario-endpoints.ts';
import { type ProblemReporter, showValue } from './scenario-error.ts';
import { SCENARIO_DEFAULTS as DEFAULTS, SCENARIO_RANGES as RANGES } from './scenario-limits.ts';
import { normaliseMac } from './scenario-mac.ts';
import type { ResolvedCapture } from './scenario-resolved.ts';
import { type RunTimes, resolveStart } from './scenario-times.ts';
import type { CaptureOptions } from './scenario-types.ts';

/** What captures are resolved against. */
export interface CaptureContext {
  endpoints: EndpointDirectory;
  mtu: number;
  times: RunTimes;
  reporter: ProblemReporter;
  /** Bytes of a file that a scenario names. Throws an error whose message says why there are none. */
  readCapture: (file: string) => Uint8Array;
}

/** A capture file that was read. */
interface CaptureFile {
  capture: Capture;
  bytes: number;
  crc32: string;
}

/**
 * Resolves all captures. Beside each stand its frames, in order of time, with their times since the first frame of the
 * file: captures of one file with different filters keep step.
 */
export function resolveCaptures(options: readonly CaptureOptions[], context: CaptureContext) {
  const files = new Map<string, CaptureFile>();
  return options.map((capture, i) => {
    const path = `captures[${i}]`;
    const file = files.get(capture.file) ?? readFile(capture.file, `${path}.file`, context);
    files.set(capture.file, file);
    return resolveCapture(capture, path, file, context);
  });
}

function resolveCapture(options: CaptureOptions, path: string, file: CaptureFile, context: CaptureContext) {
  const { endpoints, reporter, times } = context;
  const from = endpoints.source(`${path}.from`, options.from ?? DEFAULTS.captureFrom).ref;
  const filter = {
    source: resolveFilter(options.filter?.source, `${path}.filter.source`, reporter),
    destination: resolveFilter(options.filter?.destination, `${path}.filter.destination`, reporter),
  };
  const packets = file.capture.packets.filter(
    ({ bytes }) =>
      (filter.source === null || formatMac(readSource(bytes, 0)) === filter.source) &&
      (filter.destination === null || formatMac(readDestination(bytes, 0)) === filter.destination),
  );
  checkPackets(options, path, file, packets, context);
  const resolved: ResolvedCapture = {
    file: options.file,
    fileBytes: file.bytes,
    fileCrc32: file.crc32,
    frames: packets.length,
    from,
    timing: resolveTiming(options),
    startPs: resolveStart(options.startMs, path, times, reporter),
    loop: reporter.integer(`${path}.loop`, options.loop ?? DEFAULTS.loop, RANGES.loop),
    filter,
  };
  return { resolved, packets };
}

function readFile(name: string, path: string, { readCapture, reporter }: CaptureContext): CaptureFile {
  const allowed = 'a pcap or pcapng file of Ethernet frames';
  try {
    const bytes = readCapture(name);
    const crc = hex(crc32(bytes, 0, bytes.length), 8);
    return { capture: parseCapture(bytes), bytes: bytes.length, crc32: crc };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return reporter.fail(path, name, `${showValue(name)}: ${reason}`, allowed);
  }
}

function resolveFilter(value: string | undefined, path: string, reporter: ProblemReporter): string | null {
  if (value === undefined) return null;
  const mac = normaliseMac(value);
  return (
    mac ?? reporter.fail(path, value, `${showValue(value)} is no MAC address`, 'such as 02:00:00:00:01:00')
  );
}

function checkPackets(
  options: CaptureOptions,
  path: string,
  { capture }: CaptureFile,
  packets: readonly CapturePacket[],
  { mtu, reporter }: CaptureContext,
): void {
  const name = showValue(options.file);
  if (capture.packets.length === 0) {
    reporter.fail(`${path}.file`, options.file, `${name} has no frames`, 'at least one');
  }
  if (packets.length === 0) {
    const problem = `none of the ${capture.packets.length} frames of ${name} has these addresses`;
    reporter.fail(`${path}.filter`, options.filter, problem, 'addresses that occur');
  }
  for (const packet of packets) {
    const tag = isVlanEtherType(readEtherType(packet.bytes, 0)) ? VLAN_TAG_BYTES : 0;
    const max = mtu + ETHERNET_HEADER_BYTES + tag;
    if (packet.bytes.length <= max) continue;
    const number = capture.packets.indexOf(packet) + 1;
    const problem = `frame ${number} of ${name} has ${packet.bytes.length} bytes, which is above the MTU of ${mtu}`;
    reporter.fail(`${path}.file`, options.file, problem, `up to ${max} bytes without FCS`);
  }
}

function resolveTiming({ timing = 'recorded' }: CaptureOptions): ResolvedCapture['timing'] {
  if (timing === 'recorded') return { kind: 'recorded', speedup: 1 };
  if ('speedup' in timing) return { kind: 'recorded', speedup: timing.speedup };
  return { kind: 'rate', framesPerSecond: timing.ratePps };
}
