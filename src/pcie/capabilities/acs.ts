import { checkInteger, checkKeys } from '../../base/index.ts';
import { bit, bits, type RegisterRow } from '../../registers/index.ts';
import type { Capability } from './capability.ts';
import { ECAP_ACS } from './ids.ts';

/** Offsets within the capability (PCIe 3.0 7.16). */
export const ACS_CAPABILITY = 0x04;
export const ACS_CONTROL = 0x06;
export const ACS_EGRESS_VECTOR = 0x08;

/** Access control services: the bits of ACS Capability and of ACS Control (PCIe 3.0 6.12.1, 7.16.2, 7.16.3). */
export const AcsService = {
  sourceValidation: 1 << 0,
  translationBlocking: 1 << 1,
  requestRedirect: 1 << 2,
  completionRedirect: 1 << 3,
  upstreamForwarding: 1 << 4,
  egressControl: 1 << 5,
  directTranslated: 1 << 6,
} as const;

/** What a downstream port of a switch must have (6.12.1.1), and what most root ports have. */
export const ACS_OF_PORTS = 0x1f;
/** What a function of a device with several can have (6.12.1.2); Direct Translated P2P only with address translation. */
export const ACS_OF_FUNCTIONS = AcsService.requestRedirect | AcsService.completionRedirect;
/** Together they leave a function no way but through the root complex; what Linux turns on and asks for. */
export const ACS_ISOLATION =
  AcsService.sourceValidation |
  AcsService.requestRedirect |
  AcsService.completionRedirect |
  AcsService.upstreamForwarding;

/** The access control services of a port or a function. */
export interface AcsOptions {
  readonly at?: number;
  /** {@link AcsService} bits that it has. Default {@link ACS_OF_PORTS}. */
  readonly services?: number;
  /** Egress Control Vector Size, 1 to 256: one bit for each port, or function, that egress control knows. Default 32. */
  readonly egressBits?: number;
}

/**
 * Access Control Services (PCIe 3.0 6.12, 7.16): which requests and completions a port, or a function of a device with
 * several, lets go to its peers, and which it sends up to the root complex. All are off after reset.
 *
 * @throws TypeError for an option that there is not; RangeError if `services` has other bits, or `egressBits` is out of range.
 * @example
 * new BridgePort({ routingId: 0, portType: PORT_DOWNSTREAM, extraCapabilities: [acs({ at: 0x148 })] });
 */
export function acs(options: AcsOptions = {}): Capability {
  checkKeys<AcsOptions>('acs', options, { at: true, services: true, egressBits: true });
  const services = checkInteger('services', options.services ?? ACS_OF_PORTS, 0, 0x7f);
  const egressBits = checkInteger('egressBits', options.egressBits ?? 32, 1, 256);
  const hasVector = (services & AcsService.egressControl) !== 0;
  return {
    id: ECAP_ACS,
    extended: true,
    version: 1,
    name: 'ACS',
    bytes: hasVector ? ACS_EGRESS_VECTOR + 4 * Math.ceil(egressBits / 32) : ACS_EGRESS_VECTOR,
    at: options.at,
    rows: () => acsRows(services, hasVector ? egressBits : 0),
  };
}

const NAMES: readonly (readonly [name: string, phrase: string])[] = [
  ['Source Validation', 'requests must come from the buses below'],
  ['Translation Blocking', 'requests must not bring translated addresses'],
  ['P2P Request Redirect', 'requests to peers go to the root complex'],
  ['P2P Completion Redirect', 'completions to peers go to the root complex'],
  ['Upstream Forwarding', 'what would go back down goes to the root complex'],
  ['P2P Egress Control', 'requests to some peers are refused'],
  ['Direct Translated P2P', 'translated requests go to peers all the same'],
];

/**
 * The registers of the capability behind its header; also used to explain a dump.
 *
 * @param egressBits bits of the Egress Control Vector, 0 for none.
 */
export function acsRows(services: number, egressBits: number): RegisterRow[] {
  const has = (i: number) => (services >> i) & 1;
  const rows: RegisterRow[] = [
    {
      name: 'ACS Capability Register',
      offset: ACS_CAPABILITY,
      bytes: 2,
      access: 'RO',
      phrase: 'services that there are',
      section: 'PCIe 3.0 7.16.2',
      fields: [
        ...NAMES.map(([name, phrase], i) => bit(`ACS ${name}`, i, 'RO', phrase, { reset: has(i) })),
        bits('Egress Control Vector Size', 8, 8, 'RO', 'bits of the vector, 0 for 256', {
          reset: egressBits & 0xff,
        }),
      ],
    },
    {
      name: 'ACS Control Register',
      offset: ACS_CONTROL,
      bytes: 2,
      access: 'RsvdP',
      phrase: 'services in use',
      section: 'PCIe 3.0 7.16.3',
      fields: NAMES.map(([name, phrase], i) => bit(`ACS ${name} Enable`, i, has(i) ? 'RW' : 'RsvdP', phrase)),
    },
  ];
  for (let first = 0; first < egressBits; first += 32) {
    rows.push({
      name: `Egress Control Vector ${first / 32}`,
      offset: ACS_EGRESS_VECTOR + first / 8,
      access: 'RsvdP',
      phrase: 'peers to which requests are refused',
      section: 'PCIe 3.0 7.16.4',
      fields: [bits('Egress', 0, Math.min(32, egressBits - first), 'RW', 'a bit for each port or function')],
    });
  }
  return rows;
}
