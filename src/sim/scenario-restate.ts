import { SCENARIO_DEFAULTS as DEFAULTS } from './scenario-limits.ts';
import type {
  FlowRate,
  FrameSizes,
  ResolvedCapture,
  ResolvedFault,
  ResolvedFlow,
  ResolvedForwarding,
  ResolvedNic,
  ResolvedPort,
  ResolvedScenario,
  ResolvedVf,
  TargetRef,
} from './scenario-resolved.ts';
import type {
  CaptureOptions,
  FaultOptions,
  Forwarding,
  FrameBytes,
  NicOptions,
  PortOptions,
  Scenario,
  TrafficOptions,
  VfOptions,
} from './scenario-types.ts';

const PS_PER_MS = 1e9;

/**
 * A scenario that resolves to this, with nothing left to defaults that may be others one day: what a report says of its
 * run can be run again.
 *
 * @param resolved as `resolveScenario` returns it, and as it stands in reports. What has been changed by hand since leads
 *   to a scenario that is wrong, or to a TypeError.
 *
 * @example
 * ```ts
 * const { scenario } = resolveScenario({ guests: [{ name: 'a' }] });
 * resolveScenario(restateScenario(scenario)).scenario; // equal to scenario
 * ```
 */
export function restateScenario(resolved: ResolvedScenario): Scenario {
  const { name, description, seed, host, pcie, adjacentBridge, guests, captures, faults } = resolved;
  const { vlan, ...hostInterface } = resolved.hostInterface;
  const names = new EndpointNames(resolved);
  return {
    name,
    description,
    seed,
    host: { ...host },
    nic: restateNic(resolved.nic, names),
    ...unlessAbsent({ pcie }),
    guests: guests.map((guest) => ({
      ...guest,
      vfs: guest.vfs.map((vf) => restateVf(resolved.vfs[vf], names)),
    })),
    hostInterface: { ...hostInterface, ...unlessNull({ vlan }) },
    ...unlessAbsent({ adjacentBridge }),
    traffic: resolved.flows.map((flow) => restateFlow(flow, names)),
    captures: captures.map((capture) => restateCapture(capture, names)),
    ...(faults === undefined ? {} : { faults: faults.map((fault) => restateFault(fault, names)) }),
    warmUpMs: resolved.warmUpPs / PS_PER_MS,
    durationMs: resolved.durationPs / PS_PER_MS,
  };
}

/** What the ends of flows are called in a scenario. */
class EndpointNames {
  private readonly vfs: readonly ResolvedVf[];

  constructor({ vfs }: ResolvedScenario) {
    this.vfs = vfs;
  }

  of(ref: TargetRef): string {
    if (ref.kind === 'vf') return this.vfs[ref.vf].name;
    return ref.kind === 'pf' ? 'host' : ref.kind;
  }
}

function restateNic({ port, loopback, mirrors, ...nic }: ResolvedNic, names: EndpointNames): NicOptions {
  return {
    ...nic,
    // A port extender takes none, not even the default.
    ...(loopback === DEFAULTS.loopback ? {} : { loopback }),
    port: restatePort(port),
    ...(mirrors === undefined
      ? {}
      : {
          mirrors: mirrors.map(({ to, receivedBy, sentBy, ...rule }) => ({
            ...rule,
            to: names.of(to),
            receivedBy: receivedBy.map((ref) => names.of(ref)),
            // Cards that know no such rules refuse an empty list, too.
            ...(sentBy.length === 0 ? {} : { sentBy: sentBy.map((ref) => names.of(ref)) }),
          })),
        }),
  };
}

function restatePort({ xoffKiB, xonKiB, ...port }: ResolvedPort): PortOptions {
  return { ...port, ...unlessNull({ xoffKiB, xonKiB }) };
}

function restateVf(resolved: ResolvedVf, names: EndpointNames): VfOptions {
  const { name: _, guest: __, vlan, allowedVlans, stormLimits, forwarding, ...vf } = resolved;
  const { maxTxMbps, minTxMbps, trafficClass, private: isPrivate, ...options } = vf;
  return {
    ...options,
    class: trafficClass,
    ...unlessNull({ vlan, allowedVlans }),
    ...(maxTxMbps === 0 ? {} : { maxTxMbps }),
    ...(minTxMbps === 0 ? {} : { minTxMbps }),
    ...(isPrivate ? { private: true } : {}),
    stormLimits: unlessNull(stormLimits),
    ...(forwarding === undefined ? {} : { forwarding: restateForwarding(forwarding, names) }),
  };
}

function restateForwarding(forwarding: ResolvedForwarding, names: EndpointNames): Forwarding {
  if (typeof forwarding === 'string') return forwarding;
  return { to: names.of(forwarding.to), port: forwarding.port };
}

function restateFlow(flow: ResolvedFlow, names: EndpointNames): TrafficOptions {
  const { name, from, to, destinationMac, sizes, vlan, priority, ecn, rate, count } = flow;
  return {
    name,
    from: names.of(from),
    to: to.kind === 'mac' || to.kind === 'multicast' ? destinationMac : names.of(to),
    frameBytes: restateSizes(sizes),
    ...unlessNull({ vlan, priority, count }),
    ...unlessAbsent({ ecn }),
    ...restateRate(rate),
    startMs: flow.startPs / PS_PER_MS,
    stopMs: flow.stopPs / PS_PER_MS,
  };
}

function restateSizes(sizes: FrameSizes): FrameBytes {
  return sizes.kind === 'mix' ? sizes.sizes : { min: sizes.min, max: sizes.max };
}

function restateRate(rate: FlowRate): Pick<TrafficOptions, 'ratePps' | 'saturate' | 'arrivals'> {
  if (rate.kind === 'saturate') return { saturate: true };
  return { ratePps: rate.framesPerSecond, arrivals: rate.arrivals };
}

function restateCapture(capture: ResolvedCapture, names: EndpointNames): CaptureOptions {
  const { file, from, timing, startPs, loop, filter } = capture;
  const asRecorded = timing.kind === 'recorded';
  return {
    file,
    from: names.of(from),
    timing: asRecorded ? { speedup: timing.speedup } : { ratePps: timing.framesPerSecond },
    startMs: startPs / PS_PER_MS,
    loop,
    filter: unlessNull(filter),
  };
}

function restateFault(fault: ResolvedFault, names: EndpointNames): FaultOptions {
  const { kind, atPs, probability, bitErrorRate, fromPs, toPs, since, target, direction, forPs, factor } =
    fault;
  const span = {
    ...(bitErrorRate === 0 ? { probability } : { bitErrorRate }),
    fromMs: fromPs / PS_PER_MS,
    ...(toPs === null ? {} : { toMs: toPs / PS_PER_MS }),
  };
  return {
    kind,
    since,
    ...(atPs === null ? span : { atMs: atPs / PS_PER_MS }),
    ...(target === null ? {} : { target: names.of(target) }),
    ...unlessNull({ direction }),
    ...(forPs === 0 ? {} : { forMs: forPs / PS_PER_MS }),
    // Only kinds that take a factor accept the key.
    ...(factor === DEFAULTS.factor ? {} : { factor }),
  };
}

/** Without the keys whose value is null. */
function unlessNull<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], null> } {
  const kept = Object.entries(values).filter(([, value]) => value !== null);
  return Object.fromEntries(kept) as { [K in keyof T]?: Exclude<T[K], null> };
}

/** Without the keys whose value is undefined. */
function unlessAbsent<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const kept = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
