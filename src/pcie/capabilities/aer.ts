import { type Access, bit, bits, type RegisterRow } from '../../registers/index.ts';
import type { Capability, FunctionContext } from './capability.ts';
import { ECAP_AER } from './ids.ts';

/** Offsets within the capability. */
export const AER_UNCORRECTABLE_STATUS = 0x04;
export const AER_UNCORRECTABLE_MASK = 0x08;
export const AER_UNCORRECTABLE_SEVERITY = 0x0c;
export const AER_CORRECTABLE_STATUS = 0x10;
export const AER_CORRECTABLE_MASK = 0x14;
export const AER_CONTROL = 0x18;
export const AER_HEADER_LOG = 0x1c;
export const AER_ROOT_COMMAND = 0x2c;
export const AER_ROOT_STATUS = 0x30;
export const AER_ERROR_SOURCE = 0x34;

/** Bits of the errors that a card finds by itself (PCIe 3.0 7.10.2, 7.10.5); all others have theirs in the tables below. */
export const POISONED_TLP = 12;
export const COMPLETION_TIMEOUT = 14;
export const UNSUPPORTED_REQUEST = 20;
export const RECEIVER_ERROR = 0;
export const BAD_TLP = 6;
export const BAD_DLLP = 7;
export const REPLAY_ROLLOVER = 8;
export const REPLAY_TIMEOUT = 12;
export const ADVISORY_NON_FATAL = 13;

/** Bit of an error, its name in the specification, and in `lspci`. */
export type AerError = readonly [bit: number, name: string, lspci: string];

/** The uncorrectable errors, by their bits in status, mask and severity. */
export const UNCORRECTABLE_ERRORS: readonly AerError[] = [
  [4, 'Data Link Protocol Error', 'DLP'],
  [POISONED_TLP, 'Poisoned TLP', 'TLP'],
  [13, 'Flow Control Protocol Error', 'FCP'],
  [COMPLETION_TIMEOUT, 'Completion Timeout', 'CmpltTO'],
  [15, 'Completer Abort', 'CmpltAbrt'],
  [16, 'Unexpected Completion', 'UnxCmplt'],
  [17, 'Receiver Overflow', 'RxOF'],
  [18, 'Malformed TLP', 'MalfTLP'],
  [19, 'ECRC Error', 'ECRC'],
  [UNSUPPORTED_REQUEST, 'Unsupported Request Error', 'UnsupReq'],
  [21, 'ACS Violation', 'ACSViol'],
];

/** The correctable errors, by their bits in status and mask. */
export const CORRECTABLE_ERRORS: readonly AerError[] = [
  [RECEIVER_ERROR, 'Receiver Error', 'RxErr'],
  [BAD_TLP, 'Bad TLP', 'BadTLP'],
  [BAD_DLLP, 'Bad DLLP', 'BadDLLP'],
  [REPLAY_ROLLOVER, 'REPLAY_NUM Rollover', 'Rollover'],
  [REPLAY_TIMEOUT, 'Replay Timer Timeout', 'Timeout'],
  [ADVISORY_NON_FATAL, 'Advisory Non-Fatal Error', 'AdvNonFatalErr'],
];

/** Uncorrectable Error Severity after reset: data link, flow control, overflow and malformed are fatal. */
export const DEFAULT_SEVERITY = 0x62010;
/** Uncorrectable errors that belong to the link, ECRC among them: a VF leaves them to its PF (SR-IOV 1.1 4.2). */
const OF_THE_LINK = DEFAULT_SEVERITY | (1 << 19);

/** How a function reports errors. */
export interface AerOptions {
  readonly at?: number;
  /** Version of the capability, 1 or 2. Default 1. */
  readonly version?: number;
  /** Uncorrectable Error Severity after reset. Default: data link, flow control, overflow and malformed are fatal. */
  readonly severity?: number;
  /** Correctable Error Mask after reset. Default 2000h: advisory non-fatal errors are masked. */
  readonly correctableMask?: number;
  /** ECRC can be generated and checked. Default true. */
  readonly ecrc?: boolean;
  /** It has access control services, and so ACS Violation among its errors. Default false. */
  readonly acs?: boolean;
  /** True for a root port, which also has the root error registers. Default false. */
  readonly root?: boolean;
}

/** Advanced Error Reporting (PCIe 3.0 7.10). A VF has its status and header log; masks and severities are those of the PF. */
export function aer(options: AerOptions = {}): Capability {
  const version = options.version ?? 1;
  return {
    id: ECAP_AER,
    extended: true,
    version,
    name: 'AER',
    bytes: version >= 2 ? 0x48 : options.root ? 0x38 : 0x2c,
    at: options.at,
    rows: (context) => aerRows(options, context),
  };
}

/** The registers of the capability behind its header; also used to explain a dump. */
export function aerRows(options: AerOptions, context: FunctionContext): RegisterRow[] {
  const { severity = DEFAULT_SEVERITY, correctableMask = 1 << ADVISORY_NON_FATAL, ecrc = true } = options;
  const control = (access: Access): Access => (context.virtual ? 'RsvdP' : access);
  const value = (of: number) => (context.virtual ? 0 : of);
  const all = options.acs ? UNCORRECTABLE_ERRORS : UNCORRECTABLE_ERRORS.slice(0, -1);
  const names = context.virtual ? all.filter(([lsb]) => ((OF_THE_LINK >> lsb) & 1) === 0) : all;
  const errors = (list: readonly AerError[], access: Access, reset: number) =>
    list.map(([lsb, name]) => bit(name, lsb, access, 'this error', { reset: (reset >> lsb) & 1 }));
  const ecrcOn = ecrc && !context.virtual;
  const rows: RegisterRow[] = [
    {
      name: 'Uncorrectable Error Status',
      offset: AER_UNCORRECTABLE_STATUS,
      access: 'RsvdZ',
      phrase: 'uncorrectable errors seen',
      section: 'PCIe 3.0 7.10.2',
      fields: errors(names, 'RW1CS', 0),
    },
    {
      name: 'Uncorrectable Error Mask',
      offset: AER_UNCORRECTABLE_MASK,
      access: 'RsvdP',
      phrase: 'uncorrectable errors that are not reported',
      section: 'PCIe 3.0 7.10.3',
      fields: errors(all, control('RWS'), 0),
    },
    {
      name: 'Uncorrectable Error Severity',
      offset: AER_UNCORRECTABLE_SEVERITY,
      access: 'RsvdP',
      phrase: 'uncorrectable errors that are fatal',
      section: 'PCIe 3.0 7.10.4',
      fields: errors(all, control('RWS'), value(severity)),
    },
    {
      name: 'Correctable Error Status',
      offset: AER_CORRECTABLE_STATUS,
      access: 'RsvdZ',
      phrase: 'correctable errors seen',
      section: 'PCIe 3.0 7.10.5',
      fields: errors(CORRECTABLE_ERRORS, 'RW1CS', 0),
    },
    {
      name: 'Correctable Error Mask',
      offset: AER_CORRECTABLE_MASK,
      access: 'RsvdP',
      phrase: 'correctable errors that are not reported',
      section: 'PCIe 3.0 7.10.6',
      fields: errors(CORRECTABLE_ERRORS, control('RWS'), value(correctableMask)),
    },
    {
      name: 'Advanced Error Capabilities and Control',
      offset: AER_CONTROL,
      access: 'RsvdP',
      phrase: 'first error, end-to-end CRC',
      section: 'PCIe 3.0 7.10.7',
      fields: [
        bits('First Error Pointer', 0, 5, 'ROS', 'bit of the first error'),
        bit('ECRC Generation Capable', 5, 'RO', 'can send ECRC', { reset: ecrcOn ? 1 : 0 }),
        bit('ECRC Generation Enable', 6, ecrcOn ? 'RWS' : 'RsvdP', 'sends ECRC'),
        bit('ECRC Check Capable', 7, 'RO', 'can check ECRC', { reset: ecrcOn ? 1 : 0 }),
        bit('ECRC Check Enable', 8, ecrcOn ? 'RWS' : 'RsvdP', 'checks ECRC'),
      ],
    },
  ];
  for (let i = 0; i < 4; i++) {
    rows.push({
      name: `Header Log ${i}`,
      offset: AER_HEADER_LOG + 4 * i,
      access: 'ROS',
      phrase: 'header of the first error',
      section: 'PCIe 3.0 7.10.8',
    });
  }
  if (options.root) rows.push(...rootRows());
  return rows;
}

function rootRows(): RegisterRow[] {
  return [
    {
      name: 'Root Error Command',
      offset: AER_ROOT_COMMAND,
      access: 'RsvdP',
      phrase: 'interrupts at error messages',
      section: 'PCIe 3.0 7.10.9',
      fields: [bits('Reporting Enables', 0, 3, 'RW', 'correctable, non-fatal, fatal')],
    },
    {
      name: 'Root Error Status',
      offset: AER_ROOT_STATUS,
      access: 'RO',
      phrase: 'error messages received',
      section: 'PCIe 3.0 7.10.10',
      fields: [bits('Messages', 0, 7, 'RW1CS', 'kinds of messages since they were cleared')],
    },
    {
      name: 'Error Source Identification',
      offset: AER_ERROR_SOURCE,
      access: 'ROS',
      phrase: 'who sent the first correctable and the first other error',
      section: 'PCIe 3.0 7.10.11',
    },
  ];
}
