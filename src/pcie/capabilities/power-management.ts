import { bit, bits, type RegisterRow } from '../../registers/index.ts';
import type { Capability } from './capability.ts';
import { CAP_POWER_MANAGEMENT } from './ids.ts';

/** Offsets within the capability. */
export const PM_CAPABILITIES = 0x02;
export const PM_CONTROL_STATUS = 0x04;

const NO_SOFT_RESET = 1 << 3;
const D1_SUPPORT = 1 << 9;
const D2_SUPPORT = 1 << 10;
const D3HOT = 3;

/** What a function can do about power. */
export interface PowerManagementOptions {
  readonly at?: number;
  /** The Power Management Capabilities register. */
  readonly capabilities: number;
  /** Control/Status after reset: Data_Scale and No_Soft_Reset. Default 0. */
  readonly controlStatus?: number;
}

/**
 * PCI Power Management (PCI-PM 1.2). A write of a power state that the function does not support leaves the state as it
 * is; the step from D3hot to D0 resets the function unless No_Soft_Reset is set.
 */
export function powerManagement(options: PowerManagementOptions): Capability {
  const capabilities = options.capabilities;
  const control = options.controlStatus ?? 0;
  const supported = [true, (capabilities & D1_SUPPORT) !== 0, (capabilities & D2_SUPPORT) !== 0, true];
  return {
    id: CAP_POWER_MANAGEMENT,
    extended: false,
    name: 'PM',
    bytes: 8,
    at: options.at,
    rows: () => rows(capabilities, control),
    guarded: [PM_CONTROL_STATUS],
    guard: (_host, _base, _offset, mask, value) => (supported[value & 3] ? mask : mask & ~3),
    decode(host, base) {
      host.powerState = host.config.read16(base + PM_CONTROL_STATUS) & 3;
    },
    written(host, _base, offset, written, lanes, before) {
      if (offset !== PM_CONTROL_STATUS || (lanes & 3) === 0) return;
      const wakes = (before & 3) === D3HOT && (written & 3) === 0;
      if (wakes && (control & NO_SOFT_RESET) === 0) host.softReset();
    },
  };
}

function rows(capabilities: number, control: number): RegisterRow[] {
  return [
    {
      name: 'Power Management Capabilities',
      offset: PM_CAPABILITIES,
      bytes: 2,
      access: 'RO',
      reset: capabilities,
      phrase: 'what the function can do about power',
      section: 'PCI-PM 1.2 3.2.3',
      fields: [
        bits('Version', 0, 3, 'RO', 'version of the interface'),
        bit('PME Clock', 3, 'RO', 'needs the PCI clock to send PME'),
        bit('DSI', 5, 'RO', 'needs initialisation beyond the header'),
        bits('Aux_Current', 6, 3, 'RO', 'auxiliary current'),
        bit('D1_Support', 9, 'RO', 'has D1'),
        bit('D2_Support', 10, 'RO', 'has D2'),
        bits('PME_Support', 11, 5, 'RO', 'states that PME can be sent from: D0, D1, D2, D3hot, D3cold'),
      ],
    },
    {
      name: 'Power Management Control/Status',
      offset: PM_CONTROL_STATUS,
      bytes: 2,
      access: 'RO',
      reset: control,
      phrase: 'power state and PME',
      section: 'PCI-PM 1.2 3.2.4',
      fields: [
        bits('PowerState', 0, 2, 'RW', 'power state', { values: { 0: 'D0', 1: 'D1', 2: 'D2', 3: 'D3hot' } }),
        bit('No_Soft_Reset', 3, 'RO', 'D3hot to D0 does not reset'),
        bit('PME_En', 8, 'RWS', 'may send PME'),
        bits('Data_Select', 9, 4, 'RW', 'what the Data register shows'),
        bits('Data_Scale', 13, 2, 'RO', 'unit of the Data register'),
        bit('PME_Status', 15, 'RW1CS', 'would send PME'),
      ],
    },
    {
      name: 'Bridge Support Extensions and Data',
      offset: 6,
      bytes: 2,
      access: 'RO',
      phrase: 'bridge extensions, and power consumed or dissipated',
      section: 'PCI-PM 1.2 3.2.5',
    },
  ];
}
