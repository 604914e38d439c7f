import type { PortFlowControl } from '../drivers/index.ts';
import {
  CABLE_PS_PER_METRE,
  fecDelayPs,
  fecsOf,
  headroomBytes,
  type NicProfile,
  SWITCH_ARBITRATIONS,
  SWITCHINGS,
  type Switching,
} from '../nic/index.ts';
import { MAX_TAGGED_FRAME_BYTES, PRIORITIES } from '../wire/index.ts';
import { type ProblemReporter, showValue } from './scenario-error.ts';
import { SCENARIO_DEFAULTS as DEFAULTS, SCENARIO_RANGES as RANGES } from './scenario-limits.ts';
import type { NicFacts } from './scenario-profiles.ts';
import type { ResolvedNic, ResolvedPort } from './scenario-resolved.ts';
import type { PortOptions } from './scenario-types.ts';

const KIB = 1024;
/** FCRTH and FCRTL count bytes in units of this. */
const THRESHOLD_UNIT = 32;

/** Fills in the physical port, and checks what hangs together. */
export function resolvePort(
  options: PortOptions,
  linkGbps: number,
  { receiveBufferKiB: bufferKiB, sharedBuffer = false, switchings = ['store-and-forward'] }: NicFacts,
  reporter: ProblemReporter,
): ResolvedPort {
  const fec = options.fec ?? DEFAULTS.fec;
  const allowed = fecsOf(linkGbps);
  if (!allowed.includes(fec)) {
    reporter.fail(
      'nic.port.fec',
      fec,
      `a port at ${linkGbps} Gb/s has no ${showValue(fec)}`,
      allowed.join(', '),
    );
  }
  const pause = reporter.oneOf('nic.port.pause', options.pause ?? DEFAULTS.pause, [
    'none',
    'receive',
    'send',
    'both',
  ]);
  const pfc = [...new Set(options.pfc ?? [])].sort((a, b) => a - b);
  for (const [i, priority] of (options.pfc ?? []).entries()) {
    reporter.integer(`nic.port.pfc[${i}]`, priority, RANGES.priority);
  }
  if (pfc.length > 0 && pause !== 'none') {
    const problem = 'a port has PAUSE or priority flow control';
    reporter.fail('nic.port.pfc', options.pfc, problem, 'pfc or pause, not both');
  }
  const stops = pfc.length > 0 || pause === 'send' || pause === 'both';
  for (const key of ['xoffKiB', 'xonKiB'] as const) {
    if (options[key] === undefined) continue;
    if (!stops) {
      const problem = 'the port never stops its sender';
      reporter.fail(`nic.port.${key}`, options[key], problem, 'with pause "send" or "both", or with pfc');
    } else if (sharedBuffer) {
      const problem = 'classes share the receive buffer, and what is free of it stops senders';
      reporter.fail(`nic.port.${key}`, options[key], problem, 'on another profile');
    }
  }
  const most = Math.floor(bufferKiB / classCount(pfc));
  const xoffKiB = options.xoffKiB ?? null;
  const xonKiB = options.xonKiB ?? null;
  if (xoffKiB !== null) reporter.integer('nic.port.xoffKiB', xoffKiB, [1, most]);
  if (xonKiB !== null) reporter.integer('nic.port.xonKiB', xonKiB, [1, xoffKiB ?? most]);
  return {
    ...resolveSwitching(options, switchings, reporter),
    ...resolveArbitration(options, reporter),
    ...resolveTransmitBuffer(options, pfc, reporter),
    pause,
    pfc,
    xoffKiB,
    xonKiB,
    fec,
    cableMetres: reporter.number(
      'nic.port.cableMetres',
      options.cableMetres ?? DEFAULTS.cableMetres,
      RANGES.cableMetres,
    ),
  };
}

function resolveSwitching(
  options: PortOptions,
  switchings: readonly Switching[],
  reporter: ProblemReporter,
): Pick<ResolvedPort, 'switching' | 'transmitThresholdBytes' | 'badFcsEvery'> {
  const path = 'nic.port.switching';
  const switching = reporter.oneOf(path, options.switching ?? DEFAULTS.switching, SWITCHINGS);
  if (!switchings.includes(switching)) {
    const allowed = `${switchings.join(', ')}, or the profile generic-100g`;
    reporter.fail(path, switching, `the card has no ${showValue(switching)}`, allowed);
  }
  const { badFcsEvery, transmitThresholdBytes } = options;
  if (transmitThresholdBytes !== undefined) {
    const key = 'nic.port.transmitThresholdBytes';
    reporter.integer(key, transmitThresholdBytes, RANGES.transmitThresholdBytes);
    if (switching !== 'cut-through') {
      const problem = 'frames are stored whole before they are sent';
      reporter.fail(key, transmitThresholdBytes, problem, 'with cut-through only');
    }
  }
  if (badFcsEvery !== undefined) reporter.integer('nic.port.badFcsEvery', badFcsEvery, RANGES.badFcsEvery);
  return {
    ...(switching === 'cut-through' ? { switching } : {}),
    ...(transmitThresholdBytes === undefined ? {} : { transmitThresholdBytes }),
    ...(badFcsEvery === undefined ? {} : { badFcsEvery }),
  };
}

function resolveArbitration(
  options: PortOptions,
  reporter: ProblemReporter,
): Pick<ResolvedPort, 'arbitration' | 'wireShare'> {
  const rule = reporter.oneOf(
    'nic.port.arbitration',
    options.arbitration ?? DEFAULTS.arbitration,
    SWITCH_ARBITRATIONS,
  );
  const { wireShare } = options;
  if (wireShare !== undefined && rule !== 'weighted') {
    reporter.fail(
      'nic.port.wireShare',
      wireShare,
      'nobody has a share without weights',
      'with weighted only',
    );
  }
  if (rule === 'arrival') return {};
  if (rule !== 'weighted') return { arbitration: rule };
  const share = reporter.number('nic.port.wireShare', wireShare ?? DEFAULTS.wireShare, RANGES.wireShare);
  return { arbitration: rule, wireShare: share };
}

function resolveTransmitBuffer(
  options: PortOptions,
  pfc: readonly number[],
  reporter: ProblemReporter,
): Pick<ResolvedPort, 'transmitBuffer'> {
  const use = options.transmitBuffer ?? DEFAULTS.transmitBuffer;
  const checked = reporter.oneOf('nic.port.transmitBuffer', use, ['divided', 'shared']);
  if (checked === 'shared' && pfc.length === 0) {
    const problem = 'it is shared anyway';
    reporter.fail('nic.port.transmitBuffer', use, problem, 'with pfc');
  }
  return checked === 'shared' ? { transmitBuffer: checked } : {};
}

/** A card whose port is set up like this. */
export function withPort(card: NicProfile, port: ResolvedPort): NicProfile {
  const { switching, transmitThresholdBytes, arbitration, wireShare } = port;
  const threshold = transmitThresholdBytes === undefined ? {} : { transmitThresholdBytes };
  const profile = switching === undefined ? card : { ...card, switching, ...threshold };
  if (arbitration === undefined) return profile;
  if (wireShare === undefined) return { ...profile, switchArbitration: arbitration };
  const switchWeights = { wire: wireShare, host: 100 - wireShare };
  return { ...profile, switchArbitration: arbitration, switchWeights };
}

/**
 * Classes of a port with flow control for these priorities: one each, and one for all others. Eight leave no class
 * to others, and need none.
 */
function classCount(pfc: readonly number[]): number {
  return Math.min(PRIORITIES, pfc.length + 1);
}

/** One way from the last bit that is sent to the switch of the other end, beside what the MACs themselves take. */
export function cableDelayPs({ linkGbps, port }: ResolvedNic): number {
  return Math.round(port.cableMetres * CABLE_PS_PER_METRE) + fecDelayPs(linkGbps, port.fec);
}

/** What the port's options mean for a card with a receive and a transmit buffer of so many bytes. */
export function portFlowControl(
  nic: ResolvedNic,
  bufferBytes: number,
  macPs: number,
  transmitBufferBytes: number,
): PortFlowControl | null {
  const { port, linkGbps } = nic;
  const priorities = port.pfc.length > 0;
  if (!priorities && port.pause === 'none') return null;
  const headroom = headroomBytes({
    linkGbps,
    delayPs: macPs + cableDelayPs(nic),
    responsePs: 0,
    sentFrameBytes: MAX_TAGGED_FRAME_BYTES,
    receivedFrameBytes: MAX_TAGGED_FRAME_BYTES,
  });
  const count = classCount(port.pfc);
  const first = count - port.pfc.length;
  const bytes = Math.floor(bufferBytes / count / KIB) * KIB;
  const classOf = Array.from({ length: PRIORITIES }, (_, priority) => {
    const at = port.pfc.indexOf(priority);
    return at < 0 ? 0 : first + at;
  });
  const classes = Array.from({ length: count }, (_, c) => {
    if (priorities && c < first) return { bytes, xoff: 0, xon: 0 };
    const xoff = port.xoffKiB === null ? Math.max(THRESHOLD_UNIT, bytes - headroom) : port.xoffKiB * KIB;
    const xon = port.xonKiB === null ? xoff / 2 : port.xonKiB * KIB;
    return {
      bytes,
      xoff: xoff - (xoff % THRESHOLD_UNIT),
      xon: Math.max(THRESHOLD_UNIT, xon - (xon % THRESHOLD_UNIT)),
    };
  });
  return {
    heedsPause: priorities || port.pause === 'receive' || port.pause === 'both',
    sendsPause: priorities || port.pause === 'send' || port.pause === 'both',
    classOf,
    priorities,
    classes,
    // Only a class that can be stopped by itself would hold up others.
    transmitBufferBytes: priorities && port.transmitBuffer !== 'shared' ? transmitBufferBytes : 0,
  };
}
