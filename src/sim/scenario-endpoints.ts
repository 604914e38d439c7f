import { type ProblemReporter, showValue } from './scenario-error.ts';
import { BROADCAST_MAC, MULTICAST_MAC, STATION_MAC } from './scenario-limits.ts';
import { isGroupMac, normaliseMac } from './scenario-mac.ts';
import type { EndpointRef, ResolvedScenario, TargetRef, VPortRef } from './scenario-resolved.ts';
import { didYouMean } from './scenario-suggest.ts';

/** An end of a flow: what it is and the address that goes into its frames. */
export interface FlowEnd<Ref> {
  ref: Ref;
  mac: string;
}

/** Longer lists of names than this are cut in an error. */
const NAMES_SHOWN = 12;

/** Finds what the names in a scenario stand for. */
export class EndpointDirectory {
  private readonly reporter: ProblemReporter;
  private readonly byName = new Map<string, FlowEnd<EndpointRef>>();
  private readonly byMac = new Map<string, EndpointRef>();
  private readonly shown: string[] = ['host', 'port'];
  private readonly withoutVfs = new Set<string>();

  constructor(
    machine: Pick<ResolvedScenario, 'hostInterface' | 'guests' | 'vfs'>,
    reporter: ProblemReporter,
  ) {
    this.reporter = reporter;
    this.add('host', { ref: { kind: 'pf' }, mac: machine.hostInterface.mac });
    this.add('port', { ref: { kind: 'port' }, mac: STATION_MAC });
    for (const guest of machine.guests) {
      if (guest.vfs.length === 0) this.withoutVfs.add(guest.name);
      for (const [index, vf] of guest.vfs.entries()) {
        const end: FlowEnd<EndpointRef> = { ref: { kind: 'vf', vf }, mac: machine.vfs[vf].mac };
        if (index === 0) this.add(guest.name, end);
        this.add(`${guest.name}.${index}`, end);
        this.shown.push(machine.vfs[vf].name);
      }
    }
  }

  /** Who sends. */
  source(path: string, name: string): FlowEnd<EndpointRef> {
    const end = this.byName.get(name);
    if (end !== undefined) return end;
    if (name === 'broadcast' || name === 'multicast' || normaliseMac(name) !== undefined) {
      this.reporter.fail(path, name, `${showValue(name)} cannot send`, this.names([]));
    }
    return this.unknown(path, name, []);
  }

  /** Whose VPort it is: not the port's. */
  vport(path: string, name: string): VPortRef {
    const end = this.byName.get(name);
    if (end === undefined) return this.unknown(path, name, [], ['port']);
    if (end.ref.kind !== 'port') return end.ref;
    return this.reporter.fail(path, name, '"port" is no VPort', this.names([], ['port']));
  }

  /** All that {@link EndpointDirectory.vport} knows, for an error. */
  get vportNames(): string {
    return this.names([], ['port']);
  }

  /** Who is meant to receive. */
  target(path: string, name: string): FlowEnd<TargetRef> {
    const end = this.byName.get(name);
    if (end !== undefined) return end;
    if (name === 'broadcast') return { ref: { kind: 'broadcast' }, mac: BROADCAST_MAC };
    if (name === 'multicast') return { ref: { kind: 'multicast' }, mac: MULTICAST_MAC };
    const mac = normaliseMac(name);
    if (mac === undefined) return this.unknown(path, name, ['broadcast', 'multicast']);
    return { ref: this.byMac.get(mac) ?? { kind: groupKind(mac) }, mac };
  }

  private add(name: string, end: FlowEnd<EndpointRef>): void {
    this.byName.set(name, end);
    this.byMac.set(end.mac, end.ref);
  }

  private unknown(path: string, name: string, more: readonly string[], but: readonly string[] = []): never {
    // Only what the message shows. A guest that has one VF is shown without its number.
    const known = [...this.shown, ...more].filter((other) => !but.includes(other));
    const meant = didYouMean(name, known) || didYouMean(name.replace(/\.\d+$/, ''), known);
    const problem = this.withoutVfs.has(name)
      ? `guest "${name}" has no VF`
      : `no endpoint is called ${showValue(name)}${meant}`;
    const macs = more.length > 0 ? ', a MAC address' : '';
    return this.reporter.fail(path, name, problem, `${this.names(more, but)}${macs}`);
  }

  private names(more: readonly string[], but: readonly string[] = []): string {
    const names = [...this.shown, ...more].filter((name) => !but.includes(name));
    if (names.length <= NAMES_SHOWN + 1) return names.join(', ');
    return `${names.slice(0, NAMES_SHOWN).join(', ')} and ${names.length - NAMES_SHOWN} more`;
  }
}

function groupKind(mac: string): 'broadcast' | 'multicast' | 'mac' {
  if (mac === BROADCAST_MAC) return 'broadcast';
  return isGroupMac(mac) ? 'multicast' : 'mac';
}

/** Whether two references name the same end. */
export function sameEnd(a: TargetRef, b: TargetRef): boolean {
  if (a.kind === 'vf' && b.kind === 'vf') return a.vf === b.vf;
  return a.kind === b.kind;
}
