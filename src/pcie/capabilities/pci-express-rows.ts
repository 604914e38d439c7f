import { type Access, bit, bits, type RegisterField, type RegisterRow } from '../../registers/index.ts';
import type { FunctionContext } from './capability.ts';

/** The values that a device gives the registers of its PCI Express capability. */
export interface PciExpressRegisters {
  /** Capability Version. Default 2. */
  readonly version?: number;
  /** Device/Port Type: 0 endpoint, 4 root port, 5 upstream port, 6 downstream port. Default 0. */
  readonly portType?: number;
  /** Slot Implemented, of a root or downstream port. Default false. */
  readonly slot?: boolean;
  readonly deviceCapabilities: number;
  /** Device Control after reset. Default 2810h: no-snoop and relaxed ordering allowed, MRRS 512, MPS 128. */
  readonly deviceControl?: number;
  readonly linkCapabilities: number;
  /** Link Status as the link trained. Default 0. */
  readonly linkStatus?: number;
  readonly deviceCapabilities2?: number;
  readonly linkCapabilities2?: number;
  /** The port is in Flit Mode (PCIe 6.0 4.2.3). Default false. */
  readonly flitMode?: boolean;
  /** It can order by ID (PCIe 3.0 2.2.6.4). Default false. */
  readonly idOrdering?: boolean;
  /** Link Control 2 of function 0; the other functions of a device have it reserved. Default 0. */
  readonly linkControl2?: number;
}

const SIZES = {
  0: '128 bytes',
  1: '256 bytes',
  2: '512 bytes',
  3: '1024 bytes',
  4: '2048 bytes',
  5: '4096 bytes',
};
/** States of an indicator; 0 is reserved. */
const INDICATOR = { 1: 'on', 2: 'blinks', 3: 'off' };
const SPEEDS = { 1: '2.5 GT/s', 2: '5 GT/s', 3: '8 GT/s', 4: '16 GT/s', 5: '32 GT/s', 6: '64 GT/s' };

/** The registers of the capability behind its header; also used to explain a dump. A field without a phrase is what its name says. */
export function pciExpressRows(values: PciExpressRegisters, context: FunctionContext): RegisterRow[] {
  const portType = values.portType ?? 0;
  const isDownstream = portType === 4 || portType === 6;
  const rows = [
    capabilities(values),
    ...device(values, context, portType),
    ...link(values, context, isDownstream),
  ];
  if (values.slot) rows.push(...slot());
  if (portType === 4) rows.push(...root());
  if (values.version !== 1) rows.push(...second(values, context, isDownstream));
  return rows;
}

/** Access of a control that a VF leaves to its PF (SR-IOV 1.1 3.5). */
function ofPf(context: FunctionContext, access: Access): Access {
  return context.virtual ? 'RsvdP' : access;
}

function capabilities(values: PciExpressRegisters): RegisterRow {
  const portType = {
    0: 'Endpoint',
    1: 'Legacy Endpoint',
    4: 'Root Port',
    5: 'Upstream Port',
    6: 'Downstream Port',
  };
  return {
    name: 'PCI Express Capabilities',
    offset: 0x02,
    bytes: 2,
    access: 'RO',
    phrase: 'version and kind of port',
    section: 'PCIe 3.0 7.8.2',
    fields: [
      bits('Capability Version', 0, 4, 'RO', 'version of the layout', { reset: values.version ?? 2 }),
      bits('Device/Port Type', 4, 4, 'RO', 'kind of function', {
        reset: values.portType ?? 0,
        values: portType,
      }),
      bit('Slot Implemented', 8, 'HwInit', 'the port leads to a slot', { reset: values.slot ? 1 : 0 }),
      bits('Interrupt Message Number', 9, 5, 'RO', 'vector for events of the port'),
      ...(values.flitMode ? [bit('Flit Mode Supported', 15, 'HwInit', '', { reset: 1 })] : []),
    ],
  };
}

function device(values: PciExpressRegisters, context: FunctionContext, portType: number): RegisterRow[] {
  const { deviceCapabilities } = values;
  const control = context.virtual ? 0 : (values.deviceControl ?? 0x2810);
  const has = (mask: number): Access => ofPf(context, (deviceCapabilities & mask) !== 0 ? 'RW' : 'RO');
  const at = (lsb: number, width = 1) => ({ reset: (control >> lsb) & ((1 << width) - 1) });
  const canReset = portType <= 1 && (context.virtual || (deviceCapabilities & (1 << 28)) !== 0);
  return [
    {
      name: 'Device Capabilities',
      offset: 0x04,
      access: 'RO',
      reset: deviceCapabilities,
      phrase: 'what the function can do',
      section: 'PCIe 3.0 7.8.3',
      fields: [
        bits('Max_Payload_Size Supported', 0, 3, 'RO', 'largest payload', { values: SIZES }),
        bits('Phantom Functions Supported', 3, 2, 'RO', 'function number bits usable as tag bits'),
        bit('Extended Tag Field Supported', 5, 'RO', '8-bit tags'),
        bits('Endpoint L0s Acceptable Latency', 6, 3, 'RO', 'acceptable exit latency of L0s'),
        bits('Endpoint L1 Acceptable Latency', 9, 3, 'RO', 'acceptable exit latency of L1'),
        bit('Role-Based Error Reporting', 15, 'RO', 'reports errors by role'),
        bits('Captured Slot Power Limit Value', 18, 8, 'RO', 'power limit of the slot', { keptByFlr: true }),
        bits('Captured Slot Power Limit Scale', 26, 2, 'RO', 'unit of that limit', { keptByFlr: true }),
        bit('Function Level Reset Capability', 28, 'RO', 'can be reset alone'),
      ],
    },
    {
      name: 'Device Control',
      offset: 0x08,
      bytes: 2,
      access: 'RsvdP',
      phrase: 'error reports, sizes and attributes of requests',
      section: 'PCIe 3.0 7.8.4',
      fields: [
        bit('Correctable Error Reporting Enable', 0, ofPf(context, 'RW'), 'may send ERR_COR', at(0)),
        bit('Non-Fatal Error Reporting Enable', 1, ofPf(context, 'RW'), 'may send ERR_NONFATAL', at(1)),
        bit('Fatal Error Reporting Enable', 2, ofPf(context, 'RW'), 'may send ERR_FATAL', at(2)),
        bit(
          'Unsupported Request Reporting Enable',
          3,
          ofPf(context, 'RW'),
          'reports unsupported requests',
          at(3),
        ),
        bit('Enable Relaxed Ordering', 4, ofPf(context, 'RW'), 'may set the attribute', at(4)),
        bits('Max_Payload_Size', 5, 3, ofPf(context, 'RW'), 'largest payload it may send', {
          ...at(5, 3),
          values: SIZES,
          keptByFlr: true,
        }),
        bit('Extended Tag Field Enable', 8, has(1 << 5), 'may use 8-bit tags', at(8)),
        bit('Phantom Functions Enable', 9, has(3 << 3), 'may use function numbers as tags', at(9)),
        bit('Aux Power PM Enable', 10, ofPf(context, 'RWS'), 'may draw auxiliary power', at(10)),
        bit('Enable No Snoop', 11, ofPf(context, 'RW'), 'may set the attribute', at(11)),
        bits('Max_Read_Request_Size', 12, 3, ofPf(context, 'RW'), 'largest read it may send', {
          ...at(12, 3),
          values: SIZES,
        }),
        bit(
          'Initiate Function Level Reset',
          15,
          canReset ? 'WO' : 'RsvdP',
          'resets the function; reads as 0',
        ),
      ],
    },
    {
      name: 'Device Status',
      offset: 0x0a,
      bytes: 2,
      access: 'RsvdZ',
      phrase: 'errors seen, requests outstanding',
      section: 'PCIe 3.0 7.8.5',
      fields: [
        bit('Correctable Error Detected', 0, 'RW1C', 'since it was cleared'),
        bit('Non-Fatal Error Detected', 1, 'RW1C', 'since it was cleared'),
        bit('Fatal Error Detected', 2, 'RW1C', 'since it was cleared'),
        bit('Unsupported Request Detected', 3, 'RW1C', 'since it was cleared'),
        bit('Aux Power Detected', 4, 'RO', 'auxiliary power is there'),
        bit('Transactions Pending', 5, 'RO', 'requests await completions'),
      ],
    },
  ];
}

function link(values: PciExpressRegisters, context: FunctionContext, isDownstream: boolean): RegisterRow[] {
  const port = (access: Access): Access => (isDownstream ? access : 'RsvdP');
  const kept = (name: string, lsb: number, access: Access, phrase: string): RegisterField =>
    bit(name, lsb, access, phrase, { keptByFlr: true });
  const status = values.linkStatus ?? 0;
  return [
    {
      name: 'Link Capabilities',
      offset: 0x0c,
      access: 'RO',
      reset: values.linkCapabilities,
      phrase: 'speed and width of the port',
      section: 'PCIe 3.0 7.8.6',
      fields: [
        bits('Max Link Speed', 0, 4, 'RO', 'highest speed', { values: SPEEDS }),
        bits('Maximum Link Width', 4, 6, 'RO', 'lanes'),
        bits('ASPM Support', 10, 2, 'RO', 'L0s and L1'),
        bits('L0s Exit Latency', 12, 3, 'RO', 'exit latency of L0s'),
        bits('L1 Exit Latency', 15, 3, 'RO', 'exit latency of L1'),
        bit('Clock Power Management', 18, 'RO', 'tolerates a stopped clock'),
        bit('Surprise Down Error Reporting Capable', 19, 'RO', 'reports a surprise loss of the link'),
        bit('Data Link Layer Link Active Reporting Capable', 20, 'RO', 'reports the state of the link'),
        bit('Link Bandwidth Notification Capability', 21, 'RO', 'reports changes of bandwidth'),
        bit('ASPM Optionality Compliance', 22, 'HwInit', 'ASPM support is stated'),
        bits('Port Number', 24, 8, 'HwInit', 'number of the port'),
      ],
    },
    {
      name: 'Link Control',
      offset: 0x10,
      bytes: 2,
      access: 'RsvdP',
      phrase: 'control of the link',
      section: 'PCIe 3.0 7.8.7',
      fields: [
        bits('ASPM Control', 0, 2, ofPf(context, 'RW'), 'L0s and L1 in use', { keptByFlr: true }),
        kept('Read Completion Boundary', 3, isDownstream ? 'RO' : ofPf(context, 'RW'), '64 or 128 bytes'),
        kept('Link Disable', 4, port('RW'), ''),
        bit('Retrain Link', 5, port('WO'), 'trains the link anew; reads as 0'),
        kept('Common Clock Configuration', 6, ofPf(context, 'RW'), ''),
        kept('Extended Synch', 7, ofPf(context, 'RW'), ''),
        kept('Enable Clock Power Management', 8, clockPm(values, context), ''),
        kept('Hardware Autonomous Width Disable', 9, ofPf(context, 'RW'), ''),
        bit('Link Bandwidth Management Interrupt Enable', 10, port('RW'), 'interrupt at changes'),
        bit('Link Autonomous Bandwidth Interrupt Enable', 11, port('RW'), 'interrupt at changes'),
      ],
    },
    {
      name: 'Link Status',
      offset: 0x12,
      bytes: 2,
      access: 'RsvdZ',
      phrase: 'speed and width in use',
      section: 'PCIe 3.0 7.8.8',
      fields: [
        bits('Current Link Speed', 0, 4, 'RO', 'speed in use', {
          reset: status & 15,
          values: SPEEDS,
          keptByFlr: true,
        }),
        bits('Negotiated Link Width', 4, 6, 'RO', 'lanes in use', {
          reset: (status >> 4) & 0x3f,
          keptByFlr: true,
        }),
        bit('Link Training', 11, 'RO', 'training now', { keptByFlr: true }),
        bit('Slot Clock Configuration', 12, 'HwInit', 'uses the clock of the slot', {
          reset: (status >> 12) & 1,
          keptByFlr: true,
        }),
        bit('Data Link Layer Link Active', 13, 'RO', 'DL_Active', {
          reset: (status >> 13) & 1,
          keptByFlr: true,
        }),
        bit('Link Bandwidth Management Status', 14, port('RW1C'), 'the bandwidth changed'),
        bit('Link Autonomous Bandwidth Status', 15, port('RW1C'), 'the bandwidth changed by itself'),
      ],
    },
  ];
}

function clockPm(values: PciExpressRegisters, context: FunctionContext): Access {
  return ofPf(context, (values.linkCapabilities & (1 << 18)) !== 0 ? 'RW' : 'RO');
}

function slot(): RegisterRow[] {
  return [
    {
      name: 'Slot Capabilities',
      offset: 0x14,
      access: 'HwInit',
      phrase: 'what the slot can do; no hot plug',
      section: 'PCIe 3.0 7.8.9',
    },
    {
      name: 'Slot Control',
      offset: 0x18,
      bytes: 2,
      access: 'RsvdP',
      phrase: 'control of the slot',
      section: 'PCIe 3.0 7.8.10',
      fields: [
        bits('Interrupt Enables', 0, 6, 'RW', 'events of the slot'),
        bits('Attention Indicator Control', 6, 2, 'RW', 'attention indicator', {
          reset: 3,
          values: INDICATOR,
        }),
        bits('Power Indicator Control', 8, 2, 'RW', 'power indicator', { reset: 3, values: INDICATOR }),
        bits('Power, Interlock and Link', 10, 3, 'RW', 'power, lock, link events'),
      ],
    },
    {
      name: 'Slot Status',
      offset: 0x1a,
      bytes: 2,
      access: 'RsvdZ',
      phrase: 'state of the slot',
      section: 'PCIe 3.0 7.8.11',
      fields: [
        bits('Events', 0, 5, 'RW1C', 'events since they were cleared'),
        bit('Presence Detect State', 6, 'RO', 'a card is in the slot', { reset: 1 }),
        bit('Data Link Layer State Changed', 8, 'RW1C', 'the link went up or down'),
      ],
    },
  ];
}

function root(): RegisterRow[] {
  return [
    {
      name: 'Root Control',
      offset: 0x1c,
      bytes: 2,
      access: 'RsvdP',
      phrase: 'system errors and PME',
      section: 'PCIe 3.0 7.8.12',
      fields: [
        bits('System Error Enables', 0, 3, 'RW', 'correctable, non-fatal, fatal'),
        bit('PME Interrupt Enable', 3, 'RW', 'interrupt at PME'),
      ],
    },
    {
      name: 'Root Capabilities',
      offset: 0x1e,
      bytes: 2,
      access: 'RsvdP',
      phrase: 'no configuration retry status to software',
      section: 'PCIe 3.0 7.8.13',
    },
    {
      name: 'Root Status',
      offset: 0x20,
      access: 'RsvdZ',
      phrase: 'the last PME',
      section: 'PCIe 3.0 7.8.14',
      fields: [
        bits('PME Requester ID', 0, 16, 'RO', 'who sent PME'),
        bit('PME Status', 16, 'RW1C', 'PME came'),
        bit('PME Pending', 17, 'RO', 'another one waits'),
      ],
    },
  ];
}

function second(values: PciExpressRegisters, context: FunctionContext, isDownstream: boolean): RegisterRow[] {
  const device2 = values.deviceCapabilities2 ?? 0;
  const has = (mask: number): Access => ofPf(context, (device2 & mask) !== 0 ? 'RW' : 'RO');
  const ordering = ofPf(context, values.idOrdering ? 'RW' : 'RO');
  const control2 = context.virtual || context.number !== 0 ? 0 : (values.linkControl2 ?? 0);
  const owner: Access = context.virtual || context.number !== 0 ? 'RsvdP' : 'RWS';
  return [
    {
      name: 'Device Capabilities 2',
      offset: 0x24,
      access: 'RO',
      reset: device2,
      phrase: 'what else the function can do',
      section: 'PCIe 3.0 7.8.15',
      fields: [
        bits('Completion Timeout Ranges Supported', 0, 4, 'HwInit', 'ranges A to D'),
        bit('Completion Timeout Disable Supported', 4, 'RO', 'the time-out can be turned off'),
        bit('ARI Forwarding Supported', 5, 'RO', 'the port can send to any function number'),
        bits('AtomicOp Support', 6, 4, 'RO', 'routing, 32, 64 and 128 bits'),
        bit('LTR Mechanism Supported', 11, 'RO', 'latency tolerance reporting'),
        bits('TPH Completer Supported', 12, 2, 'RO', 'processing hints'),
        bits('OBFF Supported', 18, 2, 'HwInit', 'optimised buffer flush/fill'),
        bit('Extended Fmt Field Supported', 20, 'RO', '3-bit Fmt'),
        bit('End-End TLP Prefix Supported', 21, 'HwInit', 'prefixes'),
      ],
    },
    {
      name: 'Device Control 2',
      offset: 0x28,
      bytes: 2,
      access: 'RsvdP',
      phrase: 'completion time-out, ARI forwarding',
      section: 'PCIe 3.0 7.8.16',
      fields: [
        bits('Completion Timeout Value', 0, 4, has(0x0f), 'range in use'),
        bit('Completion Timeout Disable', 4, has(1 << 4), 'no time-out'),
        bit('ARI Forwarding Enable', 5, isDownstream ? has(1 << 5) : 'RsvdP', 'sends to any function number'),
        bit('AtomicOp Requester Enable', 6, has(7 << 7), 'may send AtomicOps'),
        bit('IDO Request Enable', 8, ordering, 'requests ordered by ID'),
        bit('IDO Completion Enable', 9, ordering, 'completions ordered by ID'),
        bit('LTR Mechanism Enable', 10, context.number === 0 ? has(1 << 11) : 'RsvdP', ''),
        bits('OBFF Enable', 13, 2, has(3 << 18), 'optimised buffer flush/fill'),
      ],
    },
    {
      name: 'Link Capabilities 2',
      offset: 0x2c,
      access: 'RO',
      reset: values.linkCapabilities2 ?? 0,
      phrase: 'speeds of the port; 0 where Link Capabilities says it all',
      section: 'PCIe 3.0 7.8.18',
      fields: [bits('Supported Link Speeds Vector', 1, 7, 'RO', 'one bit a speed')],
    },
    {
      name: 'Link Control 2',
      offset: 0x30,
      bytes: 2,
      access: 'RsvdP',
      phrase: 'speed to train to; function 0 decides for the device',
      section: 'PCIe 3.0 7.8.19',
      fields: [
        bits('Target Link Speed', 0, 4, owner, 'highest speed to train to', {
          reset: control2 & 15,
          values: SPEEDS,
        }),
        bit('Enter Compliance', 4, owner, 'test mode', { reset: (control2 >> 4) & 1 }),
        bit('Hardware Autonomous Speed Disable', 5, owner, 'speed must not change by itself', {
          reset: (control2 >> 5) & 1,
        }),
        bits('Transmit Margin', 7, 3, owner, 'test mode', { reset: (control2 >> 7) & 7 }),
        bit('Enter Modified Compliance', 10, owner, 'test mode', { reset: (control2 >> 10) & 1 }),
        bit('Compliance SOS', 11, owner, 'test mode', { reset: (control2 >> 11) & 1 }),
        bits('Compliance Preset/De-emphasis', 12, 4, owner, 'test mode', { reset: (control2 >> 12) & 15 }),
      ],
    },
    {
      name: 'Link Status 2',
      offset: 0x32,
      bytes: 2,
      access: 'RsvdZ',
      phrase: 'equalisation',
      section: 'PCIe 3.0 7.8.20',
      fields: [
        bit('Current De-emphasis Level', 0, 'RO', '-3.5 dB or -6 dB', { keptByFlr: true }),
        ...(values.flitMode
          ? [bit('Flit Mode Status', 10, 'RO', '', { reset: context.virtual ? 0 : 1, keptByFlr: true })]
          : []),
      ],
    },
  ];
}
