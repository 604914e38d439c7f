import type { ReferenceConfig, ReferenceFrame } from './reference-switch.ts';

/** The VLAN tags of a frame as a pile of layers: what was in its bytes, what was beside it, what its port added. */
export interface Layer {
  role: 'outer' | 'inner';
  type: number;
  tci: number;
}

export interface Dressed {
  /** Outermost first. */
  layers: Layer[];
  /** What lies behind them, from an EtherType on. */
  rest: Uint8Array;
  /** Bytes of the tags that were among the frame's own. */
  taken: number;
  /** To which the frame belongs; undefined for untagged. */
  vlan: number | undefined;
  priority: number;
  dropEligible: boolean;
}

/** Why a frame is dropped whose tags are wrong. */
export type TagProblem = 'truncatedTag' | 'tooManyTags';

const VLAN_TYPES = [0x8100, 0x88a8, 0x9100];

/** The frame once it is in the switch, with `bytes` from its first EtherType on. */
export function dress(
  config: ReferenceConfig,
  frame: ReferenceFrame,
  ingress: number,
  bytes: Uint8Array = frame.bytes.slice(12),
): Dressed | TagProblem {
  const port = config.vports[ingress];
  const { regeneration, defaultPriority } = config.priorities[ingress];
  const regenerated = (tci: number) => regeneration[tci >> 13] * 8192 + (tci % 8192);
  const own = (tci: number) =>
    regenerated(defaultPriority === null ? tci : defaultPriority * 8192 + (tci % 8192));
  const layers: Layer[] = [];
  let rest = bytes;
  let taken = 0;
  const take = () => {
    rest = rest.slice(4);
    taken += 4;
  };

  const double = config.doubleVlan;
  const problem = problemOf(bytes, double === null ? VLAN_TYPES : [...VLAN_TYPES, double.outerType]);
  if (problem !== undefined) return problem;
  if (double !== null) {
    const type = double.outerType;
    const tci = tciOf(rest, type);
    const service = port?.serviceVlan ?? null;
    if (service !== null) {
      const isPriority = tci !== undefined && tci % 4096 === 0;
      if (isPriority) take();
      layers.push({
        role: 'outer',
        type,
        tci: isPriority ? regenerated(tci + (service % 4096)) : own(service),
      });
    } else if (tci !== undefined) {
      take();
      layers.push({ role: 'outer', type, tci: regenerated(tci) });
    }
  }
  // Only the outermost tag has the priority of the frame.
  const signalled = layers.length === 0 ? regenerated : (tci: number) => tci;
  const portVlan = port?.portVlan ?? 'descriptor';
  const beside = portVlan === 'never' ? -1 : frame.tci;
  const inBytes = beside < 0 ? tciOf(rest, 0x8100) : undefined;
  const seen = inBytes ?? (beside < 0 ? undefined : beside);
  const push = (tci: number) => layers.push({ role: 'inner', type: 0x8100, tci });
  if (typeof portVlan === 'number') {
    const isPriority = seen !== undefined && seen % 4096 === 0;
    if (isPriority && inBytes !== undefined) take();
    push(isPriority ? signalled(seen + (portVlan % 4096)) : own(portVlan));
  } else if (seen !== undefined) {
    if (inBytes !== undefined) take();
    push(signalled(seen));
  }
  const ofVlan = layers.find(({ role }) => double === null || role === double.filter);
  return {
    layers,
    rest,
    taken,
    vlan: ofVlan && ofVlan.tci % 4096,
    priority: layers.length > 0 ? layers[0].tci >> 13 : regeneration[defaultPriority ?? 0],
    dropEligible: layers.length > 0 && (layers[0].tci >> 12) % 2 === 1,
  };
}

/** The frame as someone gets it who does without layers of some roles; `before` comes behind the addresses. */
export function undress(
  frame: ReferenceFrame,
  { layers, rest }: Dressed,
  without: readonly Layer['role'][],
  before: readonly number[] = [],
): string {
  const kept = layers.filter(({ role }) => !without.includes(role));
  const tags = kept.flatMap(({ type, tci }) => [type >> 8, type % 256, tci >> 8, tci % 256]);
  return hex([...frame.bytes.slice(0, 12), ...before, ...tags, ...rest]);
}

export function hex(bytes: Iterable<number>): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function problemOf(bytes: Uint8Array, types: readonly number[], tags = 0): TagProblem | undefined {
  if (!types.includes(bytes[0] * 256 + bytes[1])) return undefined;
  if (bytes.length < 6) return 'truncatedTag';
  return tags === 2 ? 'tooManyTags' : problemOf(bytes.slice(4), types, tags + 1);
}

function tciOf(bytes: Uint8Array, type: number): number | undefined {
  return bytes[0] * 256 + bytes[1] === type ? bytes[2] * 256 + bytes[3] : undefined;
}
