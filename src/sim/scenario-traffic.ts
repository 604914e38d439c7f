import { VLAN_TAG_BYTES } from '../wire/index.ts';
import { type EndpointDirectory, sameEnd } from './scenario-endpoints.ts';
import { type ProblemReporter, showValue } from './scenario-error.ts';
import {
  SCENARIO_DEFAULTS as DEFAULTS,
  FRAME_OVERHEAD_BYTES,
  SCENARIO_RANGES as RANGES,
  SIMPLE_IMIX,
} from './scenario-limits.ts';
import type { FlowRate, FrameSizes, ResolvedFlow } from './scenario-resolved.ts';
import { type RunTimes, resolveStart, toPs } from './scenario-times.ts';
import type { FrameBytes, TrafficOptions } from './scenario-types.ts';

/** What a traffic entry is resolved against. */
export interface TrafficContext {
  endpoints: EndpointDirectory;
  mtu: number;
  times: RunTimes;
  reporter: ProblemReporter;
}

/** Resolves one traffic entry; `path` is where it stands. */
export function resolveFlow(options: TrafficOptions, path: string, context: TrafficContext): ResolvedFlow {
  const { endpoints, reporter } = context;
  const from = endpoints.source(`${path}.from`, options.from);
  const to = endpoints.target(`${path}.to`, options.to);
  if (sameEnd(from.ref, to.ref)) {
    const problem = `${showValue(options.to)} is the sender itself`;
    reporter.fail(`${path}.to`, options.to, problem, 'any other endpoint');
  }
  const vlan = reporter.vlan(`${path}.vlan`, options.vlan);
  const sizes = resolveSizes(
    options.frameBytes ?? DEFAULTS.frameBytes,
    `${path}.frameBytes`,
    vlan !== null || options.priority !== undefined,
    context,
  );
  return {
    name: options.name ?? `${options.from} to ${options.to}`,
    from: from.ref,
    to: to.ref,
    sourceMac: from.mac,
    destinationMac: to.mac,
    sizes,
    vlan,
    priority:
      options.priority === undefined
        ? null
        : reporter.integer(`${path}.priority`, options.priority, RANGES.priority),
    ...resolveEcn(options, path, reporter),
    rate: resolveRate(options, path, meanFrameBytes(sizes), reporter),
    ...resolveSpan(options, path, context),
    count:
      options.count === undefined ? null : reporter.integer(`${path}.count`, options.count, RANGES.count),
  };
}

function resolveEcn({ ecn }: TrafficOptions, path: string, reporter: ProblemReporter) {
  if (ecn === undefined) return {};
  if (ecn === true) return { ecn: 'ect0' as const };
  return { ecn: reporter.oneOf(`${path}.ecn`, ecn, ['ect0', 'ect1']) };
}

/** Gives entries without a name of their own a number where they would be called the same. */
export function nameFlows(
  flows: ResolvedFlow[],
  options: readonly TrafficOptions[],
  reporter: ProblemReporter,
): void {
  const owners = new Map<string, number>();
  for (const [index, { name }] of options.entries()) {
    if (name === undefined) continue;
    const owner = owners.get(name);
    if (owner !== undefined) {
      const problem = `${showValue(name)} is already the name of traffic[${owner}]`;
      reporter.fail(`traffic[${index}].name`, name, problem, 'a name of its own');
    }
    owners.set(name, index);
  }
  // The next number to try for each name: thousands of equal entries shall not each count from 2.
  const numbers = new Map<string, number>();
  for (const [index, flow] of flows.entries()) {
    if (options[index].name !== undefined) continue;
    const base = flow.name;
    let number = numbers.get(base) ?? 2;
    while (owners.has(flow.name)) flow.name = `${base} (${number++})`;
    numbers.set(base, number);
    owners.set(flow.name, index);
  }
}

/** Mean size of the frames of a flow in bytes with the FCS. */
function meanFrameBytes(sizes: FrameSizes): number {
  if (sizes.kind === 'uniform') return (sizes.min + sizes.max) / 2;
  let bytes = 0;
  let weights = 0;
  for (const size of sizes.sizes) {
    bytes += size.bytes * size.weight;
    weights += size.weight;
  }
  return bytes / weights;
}

function resolveSizes(
  frameBytes: FrameBytes,
  path: string,
  tagged: boolean,
  context: TrafficContext,
): FrameSizes {
  const { mtu, reporter } = context;
  const max = mtu + FRAME_OVERHEAD_BYTES + (tagged ? VLAN_TAG_BYTES : 0);
  const [min] = RANGES.frameBytes;
  const check = (place: string, bytes: number): number => {
    if (!Number.isInteger(bytes) || bytes < min) {
      reporter.fail(place, bytes, `${bytes} bytes are no Ethernet frame`, `${min} to ${max}`);
    }
    if (bytes > max) {
      const kind = tagged ? ' tagged' : '';
      reporter.fail(
        place,
        bytes,
        `a${kind} frame of ${bytes} bytes is above the MTU of ${mtu}`,
        `${min} to ${max}`,
      );
    }
    return bytes;
  };
  if (typeof frameBytes === 'number') {
    return { kind: 'mix', sizes: [{ bytes: check(path, frameBytes), weight: 1 }] };
  }
  if (Array.isArray(frameBytes)) {
    const sizes = frameBytes.map(({ bytes, weight }, i) => ({
      bytes: check(`${path}[${i}].bytes`, bytes),
      weight,
    }));
    return { kind: 'mix', sizes };
  }
  if ('imix' in frameBytes) {
    return {
      kind: 'mix',
      sizes: SIMPLE_IMIX.map(({ bytes, weight }) => ({ bytes: check(`${path}.imix`, bytes), weight })),
    };
  }
  const range = { min: check(`${path}.min`, frameBytes.min), max: check(`${path}.max`, frameBytes.max) };
  if (range.min > range.max) {
    reporter.fail(`${path}.max`, range.max, `${range.max} is below min`, `${range.min} to ${max}`);
  }
  return { kind: 'uniform', ...range };
}

function resolveRate(
  options: TrafficOptions,
  path: string,
  meanBytes: number,
  reporter: ProblemReporter,
): FlowRate {
  const given = (['ratePps', 'rateMbps', 'saturate'] as const).filter((key) => options[key] !== undefined);
  if (given.length !== 1) {
    const problem = given.length === 0 ? 'has no rate' : `has ${given.join(' and ')}`;
    reporter.fail(path, options, problem, 'exactly one of ratePps, rateMbps, saturate');
  }
  if (options.saturate !== undefined) {
    if (options.arrivals !== undefined) {
      reporter.fail(
        `${path}.arrivals`,
        options.arrivals,
        'has no meaning beside saturate',
        'with ratePps or rateMbps',
      );
    }
    return { kind: 'saturate' };
  }
  const framesPerSecond =
    options.ratePps === undefined
      ? (reporter.number(`${path}.rateMbps`, options.rateMbps as number, RANGES.rateMbps) * 1e6) /
        (8 * meanBytes)
      : reporter.number(`${path}.ratePps`, options.ratePps, RANGES.ratePps);
  const arrivals = options.arrivals ?? DEFAULTS.arrivals;
  reporter.oneOf(`${path}.arrivals`, arrivals, ['constant', 'poisson']);
  return { kind: 'rate', framesPerSecond, arrivals };
}

function resolveSpan(options: TrafficOptions, path: string, { times, reporter }: TrafficContext) {
  const startPs = resolveStart(options.startMs, path, times, reporter);
  const stopPs = Math.min(toPs(options.stopMs ?? times.endMs), times.endPs);
  if (stopPs <= startPs) {
    const startMs = options.startMs ?? DEFAULTS.startMs;
    const problem = `stops at ${options.stopMs} ms, but starts at ${startMs} ms`;
    reporter.fail(`${path}.stopMs`, options.stopMs, problem, `more than ${startMs}`);
  }
  return { startPs, stopPs };
}
