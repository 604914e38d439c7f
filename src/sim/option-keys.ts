import { MIRROR_RULE_KEYS } from '../nicswitch/index.ts';
import { showValue } from './scenario-error.ts';
import { didYouMean } from './scenario-suggest.ts';
import type {
  DriverOptions,
  FaultOptions,
  GuestOptions,
  HostInterfaceOptions,
  HostOptions,
  MirrorOptions,
  NicOptions,
  PortOptions,
  TrafficOptions,
  VfOptions,
} from './scenario-types.ts';

/** Every key of a type: one that is forgotten here does not compile. */
type Keys<T> = Readonly<Record<keyof T, true>>;

const DRIVER: Keys<DriverOptions> = { driver: true, ringSize: true };

/**
 * The keys of what `createMachine` takes beside profiles, by name of the option; a scenario file has its
 * schema for that.
 */
const OPTIONS = {
  host: { profile: true, iommu: true, memoryGiB: true } satisfies Keys<HostOptions>,
  nic: {
    profile: true,
    vfs: true,
    ari: true,
    loopback: true,
    linkGbps: true,
    mtu: true,
    port: true,
    portExtender: true,
    mirrors: true,
  } satisfies Keys<NicOptions>,
  guest: { ...DRIVER, name: true, vfs: true, memoryMiB: true, pageSize: true } satisfies Keys<GuestOptions>,
  vf: {
    vf: true,
    mac: true,
    vlan: true,
    vlanPriority: true,
    trustedVlans: true,
    spoofCheck: true,
    maxTxMbps: true,
    minTxMbps: true,
    class: true,
    trust: true,
    forwarding: true,
    selfDelivery: true,
    private: true,
    allowedVlans: true,
    stormLimits: true,
  } satisfies Keys<VfOptions>,
  port: {
    pause: true,
    pfc: true,
    transmitBuffer: true,
    xoffKiB: true,
    xonKiB: true,
    fec: true,
    cableMetres: true,
    switching: true,
    transmitThresholdBytes: true,
    badFcsEvery: true,
    arbitration: true,
    wireShare: true,
  } satisfies Keys<PortOptions>,
  mirror: MIRROR_RULE_KEYS satisfies Keys<MirrorOptions>,
  hostInterface: { ...DRIVER, mac: true, vlan: true } satisfies Keys<HostInterfaceOptions>,
  traffic: {
    name: true,
    to: true,
    frameBytes: true,
    vlan: true,
    priority: true,
    ecn: true,
    ratePps: true,
    rateMbps: true,
    saturate: true,
    arrivals: true,
    startMs: true,
    stopMs: true,
    count: true,
  } satisfies Keys<Omit<TrafficOptions, 'from'>>,
  fault: {
    kind: true,
    atMs: true,
    probability: true,
    bitErrorRate: true,
    fromMs: true,
    toMs: true,
    since: true,
    target: true,
    direction: true,
    forMs: true,
    factor: true,
  } satisfies Keys<FaultOptions>,
  run: { simulatedMs: true, warmUpMs: true },
  machine: {
    seed: true,
    host: true,
    nic: true,
    pcie: true,
    pcieParts: true,
    guests: true,
    hostInterface: true,
    adjacentBridge: true,
  },
};

/**
 * Checks that `value` is a plain object with keys that the option has.
 *
 * @param name where it stands, for the message.
 * @throws TypeError otherwise.
 */
export function checkOptions(name: string, value: unknown, option: keyof typeof OPTIONS): void {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new TypeError(`${name} must be an object, got ${showValue(value)}`);
  }
  const known = Object.keys(OPTIONS[option]);
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) {
      throw new TypeError(
        `${name} has no option "${key}"${didYouMean(key, known)}: allowed are ${known.join(', ')}`,
      );
    }
  }
}

/**
 * Checks the shape of what `createMachine` takes: the values are checked where they are used.
 *
 * @throws TypeError if something is not an object or list, or has an unknown key.
 */
export function checkMachineOptions(
  options: object,
  isProfile: { readonly host: boolean; readonly nic: boolean },
): void {
  checkOptions('createMachine options', options, 'machine');
  const { host, nic, guests, hostInterface } = options as Record<string, unknown>;
  if (host !== undefined && !isProfile.host) checkOptions('host', host, 'host');
  if (nic !== undefined && !isProfile.nic) {
    checkOptions('nic', nic, 'nic');
    const { port, mirrors } = nic as NicOptions;
    if (port !== undefined) checkOptions('nic.port', port, 'port');
    if (mirrors !== undefined) checkList('nic.mirrors', mirrors, 'mirror');
  }
  if (hostInterface !== undefined) checkOptions('hostInterface', hostInterface, 'hostInterface');
  if (guests === undefined) return;
  checkList('guests', guests, 'guest');
  for (const [index, guest] of (guests as GuestOptions[]).entries()) {
    const { name, vfs } = guest;
    if (name !== undefined && typeof name !== 'string') {
      throw new TypeError(`guests[${index}].name must be a string, got ${showValue(name)}`);
    }
    if (Array.isArray(vfs)) checkList(`guests[${index}].vfs`, vfs, 'vf');
  }
}

function checkList(name: string, value: unknown, option: keyof typeof OPTIONS): void {
  if (!Array.isArray(value)) throw new TypeError(`${name} must be a list, got ${showValue(value)}`);
  for (const [index, entry] of value.entries()) checkOptions(`${name}[${index}]`, entry, option);
}
