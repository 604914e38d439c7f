import { needPcieParts, type OwnMachineProfiles, type PcieParts } from './pcie-parts.ts';
import { EndpointDirectory } from './scenario-endpoints.ts';
import { ProblemReporter, showValue } from './scenario-error.ts';
import { resolveExtender } from './scenario-extender.ts';
import { resolveForwarding } from './scenario-forwarding.ts';
import {
  SCENARIO_DEFAULTS as DEFAULTS,
  SCENARIO_RANGES as RANGES,
  RESERVED_NAMES,
  RING_SIZES,
} from './scenario-limits.ts';
import { MacBook } from './scenario-mac.ts';
import { checkMemory } from './scenario-memory.ts';
import { resolveMirrors } from './scenario-mirrors.ts';
import { resolvePort } from './scenario-port.ts';
import { HOST_PROFILE_NAMES, NIC_PROFILE_NAMES, type NicFacts, nicFacts } from './scenario-profiles.ts';
import { checkMinima, NO_RATES, resolveRates } from './scenario-rates.ts';
import type {
  ResolvedGuest,
  ResolvedHost,
  ResolvedHostInterface,
  ResolvedNic,
  ResolvedScenario,
  ResolvedVf,
} from './scenario-resolved.ts';
import { didYouMean } from './scenario-suggest.ts';
import type {
  DriverOptions,
  GuestOptions,
  HostOptions,
  NicOptions,
  Scenario,
  StormLimits,
  VfOptions,
} from './scenario-types.ts';
import { allocateVfs, type VfPlace } from './scenario-vfs.ts';

/** The machine of a scenario without what happens on it. */
export type MachineOptions = Pick<
  Scenario,
  'host' | 'nic' | 'pcie' | 'guests' | 'hostInterface' | 'adjacentBridge'
>;

/** A machine with nothing left open. */
export interface ResolvedMachine {
  host: ResolvedHost;
  nic: ResolvedNic;
  pcie?: ResolvedScenario['pcie'];
  hostInterface: ResolvedHostInterface;
  adjacentBridge?: ResolvedScenario['adjacentBridge'];
  guests: ResolvedGuest[];
  vfs: ResolvedVf[];
}

/**
 * Fills in a machine: numbers the VFs, assigns the addresses, and checks what hangs together.
 *
 * @param source what the machine is called in errors.
 * @param facts the card, for one that is no profile known by name.
 * @param own what the key `pcie` needs, and profiles that the machine has instead of those named.
 * @throws {@link ScenarioError}
 */
export function resolveMachine(
  options: MachineOptions,
  source = 'machine',
  facts?: NicFacts,
  own: OwnMachineProfiles & { readonly pcieParts?: PcieParts } = {},
): ResolvedMachine {
  const reporter = new ProblemReporter(source);
  const host = resolveHost(options.host ?? {}, reporter);
  const nicOptions = options.nic ?? {};
  const card = facts ?? findCard(nicOptions, reporter);
  const guestOptions = options.guests ?? [];
  const guests = guestOptions.map((guest, i) => resolveGuest(guest, i, reporter));
  checkGuestNames(guests, reporter);

  if (nicOptions.vfs !== undefined) reporter.integer('nic.vfs', nicOptions.vfs, [0, card.usableVfs]);
  const places = allocateVfs(guestOptions, nicOptions.vfs, card.usableVfs, reporter);
  for (const place of places) guests[place.guest].vfs.push(place.vf);
  checkMemory(guests, host, reporter);
  const used = places.reduce((count, place) => Math.max(count, place.vf + 1), 0);
  const nic = resolveNic(nicOptions, nicOptions.vfs ?? used, card, reporter);

  const macs = new MacBook(reporter);
  const interfaceOptions = options.hostInterface ?? {};
  const givenHostMac =
    interfaceOptions.mac === undefined ? undefined : macs.claim('hostInterface.mac', interfaceOptions.mac);
  const vfs = resolveVfs(places, guests, nic, card, macs, reporter);
  checkMinima(vfs, nic.linkGbps * 1000, reporter);
  const hostInterface: ResolvedHostInterface = {
    mac: givenHostMac ?? macs.assign(0, 0),
    vlan: reporter.vlan('hostInterface.vlan', interfaceOptions.vlan),
    ...resolveDriver(interfaceOptions, 'hostInterface', reporter),
  };
  const bridge = reporter.oneOf('adjacentBridge', options.adjacentBridge ?? DEFAULTS.adjacentBridge, [
    'none',
    'plain',
    'reflective-relay',
  ]);
  const adjacentBridge = bridge === 'none' ? {} : { adjacentBridge: bridge };
  const endpoints = new EndpointDirectory({ hostInterface, guests, vfs }, reporter);
  Object.assign(nic, resolveMirrors(nicOptions.mirrors, nic, card, endpoints, reporter));
  resolveForwarding(places, vfs, card, endpoints, reporter);
  const extender = resolveExtender(nicOptions, nic, vfs, options.adjacentBridge, card, reporter);
  Object.assign(nic, extender);
  checkVlanFilters(vfs, interfaceOptions.vlan, nic, reporter);
  const { pcie } = options;
  return {
    host,
    nic,
    ...(pcie && { pcie: needPcieParts(own.pcieParts).resolve(options, nic.profile, own, reporter) }),
    hostInterface,
    ...adjacentBridge,
    guests,
    vfs,
  };
}

/**
 * The card filters by 64 VLANs (82599 datasheet 8.2.3.27.15), of which its driver keeps one filter for VLAN 0; every
 * port VLAN, trusted one and mirrored one takes a filter.
 */
const VLAN_FILTERS = 63;

function checkVlanFilters(
  vfs: readonly ResolvedVf[],
  hostVlan: number | undefined,
  { mirrors = [] }: ResolvedNic,
  reporter: ProblemReporter,
): void {
  const used = new Set<number>(hostVlan === undefined ? [] : [hostVlan]);
  for (const { vlan, trustedVlans } of vfs) {
    if (vlan !== null) used.add(vlan);
    for (const trusted of trustedVlans) used.add(trusted);
  }
  for (const { vlans } of mirrors) for (const vlan of vlans) used.add(vlan);
  if (used.size <= VLAN_FILTERS) return;
  reporter.fail(
    'guests',
    used.size,
    `use ${used.size} VLANs in all`,
    `${VLAN_FILTERS} port, trusted and mirrored VLANs`,
  );
}

function resolveHost(options: HostOptions, reporter: ProblemReporter): ResolvedHost {
  const profile = options.profile ?? DEFAULTS.hostProfile;
  if (!HOST_PROFILE_NAMES.includes(profile))
    unknownProfile('host.profile', profile, HOST_PROFILE_NAMES, reporter);
  return {
    profile,
    iommu: options.iommu ?? DEFAULTS.iommu,
    memoryGiB: reporter.integer('host.memoryGiB', options.memoryGiB ?? DEFAULTS.memoryGiB, RANGES.memoryGiB),
  };
}

function findCard(options: NicOptions, reporter: ProblemReporter): NicFacts {
  const profile = options.profile ?? DEFAULTS.nicProfile;
  return nicFacts(profile) ?? unknownProfile('nic.profile', profile, NIC_PROFILE_NAMES, reporter);
}

function unknownProfile(
  path: string,
  profile: string,
  known: readonly string[],
  reporter: ProblemReporter,
): never {
  return reporter.fail(
    path,
    profile,
    `${showValue(profile)} is unknown${didYouMean(profile, known)}`,
    known.join(', '),
  );
}

function resolveNic(
  options: NicOptions,
  vfs: number,
  card: NicFacts,
  reporter: ProblemReporter,
): ResolvedNic {
  const linkGbps = options.linkGbps ?? Math.max(...card.linkGbps);
  if (!card.linkGbps.includes(linkGbps)) {
    reporter.fail('nic.linkGbps', linkGbps, `the port has no ${linkGbps} Gb/s`, card.linkGbps.join(', '));
  }
  return {
    profile: options.profile ?? DEFAULTS.nicProfile,
    vfs,
    ari: options.ari ?? DEFAULTS.ari,
    loopback: reporter.oneOf('nic.loopback', options.loopback ?? DEFAULTS.loopback, ['veb', 'vepa']),
    linkGbps,
    mtu: reporter.integer('nic.mtu', options.mtu ?? DEFAULTS.mtu, RANGES.mtu),
    port: resolvePort(options.port ?? {}, linkGbps, card, reporter),
  };
}

function resolveDriver(options: DriverOptions, path: string, reporter: ProblemReporter) {
  const ringSize = options.ringSize ?? DEFAULTS.ringSize;
  if (!(RING_SIZES as readonly number[]).includes(ringSize)) {
    const problem = `${showValue(ringSize)} does not fit`;
    reporter.fail(`${path}.ringSize`, ringSize, problem, RING_SIZES.join(', '));
  }
  return {
    driver: reporter.oneOf(`${path}.driver`, options.driver ?? DEFAULTS.driver, ['interrupt', 'poll']),
    ringSize,
  };
}

function resolveGuest(options: GuestOptions, index: number, reporter: ProblemReporter): ResolvedGuest {
  const path = `guests[${index}]`;
  const memoryMiB = reporter.integer(
    `${path}.memoryMiB`,
    options.memoryMiB ?? DEFAULTS.memoryMiB,
    RANGES.memoryMiB,
  );
  const pageSize = reporter.oneOf(`${path}.pageSize`, options.pageSize ?? DEFAULTS.pageSize, ['4K', '2M']);
  if (pageSize === '2M' && memoryMiB % 2 !== 0) {
    reporter.fail(
      `${path}.memoryMiB`,
      memoryMiB,
      `${memoryMiB} MiB are no whole number of 2 MiB pages`,
      'even numbers',
    );
  }
  return {
    name: options.name ?? `guest${index + 1}`,
    memoryMiB,
    pageSize,
    ...resolveDriver(options, path, reporter),
    vfs: [],
  };
}

function checkGuestNames(guests: readonly ResolvedGuest[], reporter: ProblemReporter): void {
  const reserved: readonly string[] = RESERVED_NAMES;
  const firstWith = new Map<string, number>();
  for (const [index, { name }] of guests.entries()) {
    const path = `guests[${index}].name`;
    if (reserved.includes(name)) {
      reporter.fail(path, name, `"${name}" means something else`, `any name but ${reserved.join(', ')}`);
    }
    const first = firstWith.get(name);
    if (first !== undefined) {
      reporter.fail(path, name, `"${name}" is already the name of guests[${first}]`, 'a name of its own');
    }
    firstWith.set(name, index);
  }
}

function resolveVfs(
  places: readonly VfPlace[],
  guests: readonly ResolvedGuest[],
  nic: ResolvedNic,
  card: NicFacts,
  macs: MacBook,
  reporter: ProblemReporter,
): ResolvedVf[] {
  const given = places.map(({ path, options }) =>
    options.mac === undefined ? undefined : macs.claim(`${path}.mac`, options.mac),
  );
  const vfs: ResolvedVf[] = [];
  for (const [i, { vf, guest, index, path, options }] of places.entries()) {
    const { name, vfs: siblings } = guests[guest];
    vfs[vf] = {
      vf,
      name: siblings.length === 1 ? name : `${name}.${index}`,
      guest,
      mac: given[i] ?? macs.assign(guest + 1, index),
      ...resolveVlans(options, path, reporter),
      spoofCheck: options.spoofCheck ?? DEFAULTS.spoofCheck,
      ...resolveRates(options, path, nic.linkGbps * 1000, card.rates, reporter),
      trust: options.trust ?? DEFAULTS.trust,
      private: options.private ?? DEFAULTS.private,
      stormLimits: resolveStormLimits(options, path, reporter),
    };
  }
  for (let vf = 0; vf < nic.vfs; vf++) {
    vfs[vf] ??= {
      vf,
      name: `VF ${vf}`,
      guest: null,
      mac: macs.assign(0, vf + 1),
      vlan: null,
      trustedVlans: [],
      spoofCheck: DEFAULTS.spoofCheck,
      ...NO_RATES,
      trust: DEFAULTS.trust,
      private: DEFAULTS.private,
      allowedVlans: null,
      stormLimits: { broadcast: null, multicast: null, unknownUnicast: null },
    };
  }
  return vfs;
}

function resolveVlanPriority({ vlan, vlanPriority }: VfOptions, path: string, reporter: ProblemReporter) {
  if (vlanPriority === undefined) return {};
  const at = `${path}.vlanPriority`;
  if (vlan === undefined)
    reporter.fail(at, vlanPriority, 'the VF has no port VLAN', 'vlanPriority with vlan');
  return { vlanPriority: reporter.integer(at, vlanPriority, RANGES.priority) };
}

function resolveVlans(options: VfOptions, path: string, reporter: ProblemReporter) {
  const vlan = reporter.vlan(`${path}.vlan`, options.vlan);
  const trustedVlans = options.trustedVlans ?? [];
  for (const [i, id] of trustedVlans.entries()) reporter.vlan(`${path}.trustedVlans[${i}]`, id);
  if (vlan !== null && trustedVlans.length > 0) {
    const problem = `the guest cannot tag frames that the card tags with VLAN ${vlan}`;
    reporter.fail(`${path}.trustedVlans`, trustedVlans, problem, 'trustedVlans or vlan, not both');
  }
  const allowedVlans = options.allowedVlans === undefined ? null : sorted(options.allowedVlans);
  for (const [i, id] of (options.allowedVlans ?? []).entries()) {
    reporter.vlan(`${path}.allowedVlans[${i}]`, id);
  }
  if (allowedVlans !== null) checkAllowed(allowedVlans, vlan, trustedVlans, path, reporter);
  return {
    vlan,
    ...resolveVlanPriority(options, path, reporter),
    trustedVlans: sorted(trustedVlans),
    allowedVlans,
  };
}

/** The VLANs that a VF uses must be among those that it is allowed. */
function checkAllowed(
  allowed: readonly number[],
  vlan: number | null,
  trustedVlans: readonly number[],
  path: string,
  reporter: ProblemReporter,
): void {
  const problem = (id: number) => `VLAN ${id} is not among the allowedVlans`;
  const list = allowed.length === 0 ? 'none' : allowed.join(', ');
  if (vlan !== null && !allowed.includes(vlan)) reporter.fail(`${path}.vlan`, vlan, problem(vlan), list);
  const index = trustedVlans.findIndex((id) => !allowed.includes(id));
  if (index >= 0) {
    const id = trustedVlans[index];
    reporter.fail(`${path}.trustedVlans[${index}]`, id, problem(id), list);
  }
}

function resolveStormLimits(
  options: VfOptions,
  path: string,
  reporter: ProblemReporter,
): ResolvedVf['stormLimits'] {
  const limit = (kind: keyof StormLimits) => {
    const rate = options.stormLimits?.[kind];
    return rate === undefined ? null : reporter.integer(`${path}.stormLimits.${kind}`, rate, RANGES.stormPps);
  };
  return {
    broadcast: limit('broadcast'),
    multicast: limit('multicast'),
    unknownUnicast: limit('unknownUnicast'),
  };
}

/** Each once, ascending. */
function sorted(vlans: readonly number[]): number[] {
  return [...new Set(vlans)].sort((a, b) => a - b);
}
