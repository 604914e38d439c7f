import type { RegisterRow } from '../../registers/index.ts';
import { fieldList } from './field-list.ts';
import type { KnownCapability } from './known-capability.ts';

/** A register of a capability that no profile has: offset, bytes, name, fields as {@link fieldList} takes them. */
type Row = readonly [offset: number, bytes: 1 | 2 | 4, name: string, fields?: string];

/** A capability of other machines, to explain their dumps by. Sections are of PCIe 5.0 where nothing else is said. */
function known(name: string, section: string, rows: readonly Row[] = []): KnownCapability {
  const registers = rows.map(
    ([offset, bytes, title, fields]): RegisterRow => ({
      name: title,
      offset,
      bytes,
      access: 'RO',
      phrase: '',
      section,
      ...(fields === undefined ? {} : { fields: fieldList(fields) }),
    }),
  );
  return { name, rows: () => registers };
}

/** PCI-compatible capabilities, by their IDs. */
export const OTHER_PCI: ReadonlyMap<number, KnownCapability> = new Map([
  [0x00, known('Null', 'PCIe 5.0 7.5.1')],
  [0x02, known('AGP', 'PCI Code and ID 1.11')],
  [0x04, known('Slot ID', 'PCI-to-PCI Bridge 1.2 13.2')],
  [0x06, known('CompactPCI Hot Swap', 'PCI Code and ID 1.11')],
  [
    0x07,
    known('PCI-X', 'PCI-X 2.0 7.2', [
      [
        2,
        2,
        'PCI-X Command',
        '0 Data Parity Error Recovery; 1 Relaxed Ordering; 2+2 Read Byte Count; 4+3 Split',
      ],
      [4, 4, 'PCI-X Status', '0+3 Function; 3+5 Device; 8+8 Bus; 16 64-bit; 17 133 MHz; 18 Split Discarded'],
    ]),
  ],
  [0x08, known('HyperTransport', 'PCI Code and ID 1.11', [[2, 2, 'HyperTransport Command', '11+5 Type']])],
  [0x09, known('Vendor-Specific', 'PCIe 5.0 7.9.4', [[2, 1, 'Length']])],
  [0x0a, known('Debug Port', 'PCI Code and ID 1.11', [[2, 2, 'Debug Port', '0+13 Offset; 13+3 BAR Number']])],
  [0x0c, known('PCI Hot-Plug', 'PCI Code and ID 1.11')],
  [
    0x0d,
    known('Subsystem', 'PCI-to-PCI Bridge 1.2 3.2.5.13', [
      [4, 2, 'Subsystem Vendor ID'],
      [6, 2, 'Subsystem ID'],
    ]),
  ],
  [0x0e, known('AGP 8x', 'PCI Code and ID 1.11')],
  [0x0f, known('Secure Device', 'PCI Code and ID 1.11')],
  [
    0x12,
    known('SATA', 'AHCI 1.3.1 2.4', [
      [2, 2, 'SATA Capability 0', '0+4 Minor Revision; 4+4 Major Revision'],
      [4, 4, 'SATA Capability 1', '0+4 BAR Location; 4+20 BAR Offset'],
    ]),
  ],
  [
    0x13,
    known('Advanced Features', 'PCI AF ECN', [
      [2, 1, 'Length'],
      [3, 1, 'AF Capabilities', '0 Transactions Pending Capable; 1 Function Level Reset Capable'],
      [4, 1, 'AF Control', '0 Initiate FLR'],
      [5, 1, 'AF Status', '0 Transactions Pending'],
    ]),
  ],
  [0x14, known('Enhanced Allocation', 'PCIe 5.0 7.8.5', [[2, 2, 'Entries', '0+6 Num Entries']])],
  [0x15, known('Flattening Portal Bridge', 'PCIe 5.0 7.8.10')],
]);

const VC_CAPABILITY =
  '0+3 Extended VC Count; 4+3 Low Priority Count; 8+2 Reference Clock; 10+2 Table Entry Size';
const VIRTUAL_CHANNEL = known('Virtual Channel', 'PCIe 5.0 7.9.1', [
  [0x04, 4, 'Port VC Capability 1', VC_CAPABILITY],
  [0x08, 4, 'Port VC Capability 2', '0+8 VC Arbitration; 24+8 VC Arbitration Table Offset'],
  [0x0c, 2, 'Port VC Control', '0 Load VC Arbitration Table; 1+3 VC Arbitration Select'],
  [0x0e, 2, 'Port VC Status', '0 VC Arbitration Table Status'],
  [
    0x10,
    4,
    'VC0 Resource Capability',
    '0+8 Port Arbitration; 15 Reject Snoop; 16+7 Maximum Time Slots; 24+8 Offset',
  ],
  [
    0x14,
    4,
    'VC0 Resource Control',
    '0+8 TC/VC Map; 16 Load Table; 17+3 Port Arbitration Select; 24+3 VC ID; 31 VC Enable',
  ],
  [0x1a, 2, 'VC0 Resource Status', '0 Port Arbitration Table Status; 1 VC Negotiation Pending'],
]);

const L1_ENABLES = '0 PCI-PM L1.2; 1 PCI-PM L1.1; 2 ASPM L1.2; 3 ASPM L1.1';
const EQUALIZATION =
  '0 Equalization Complete; 1 Phase 1 Successful; 2 Phase 2 Successful; 3 Phase 3 Successful; 4 Equalization Request';

/** Extended capabilities, by their IDs. */
export const OTHER_EXTENDED: ReadonlyMap<number, KnownCapability> = new Map([
  [0x00, known('Null', 'PCIe 5.0 7.6.3')],
  [0x02, VIRTUAL_CHANNEL],
  [
    0x04,
    known('Power Budgeting', 'PCIe 5.0 7.8.1', [
      [4, 1, 'Data Select'],
      [
        8,
        4,
        'Power Budgeting Data',
        '0+8 Base Power; 8+2 Data Scale; 10+3 PM Sub State; 13+2 PM State; 15+3 Type; 18+3 Rail',
      ],
      [12, 1, 'Power Budget Capability', '0 System Allocated'],
    ]),
  ],
  [0x05, known('Root Complex Link Declaration', 'PCIe 5.0 7.9.8')],
  [0x06, known('Root Complex Internal Link Control', 'PCIe 5.0 7.9.9')],
  [0x07, known('Root Complex Event Collector', 'PCIe 5.0 7.9.10', [[4, 4, 'Association Bitmap']])],
  [0x08, known('Multi-Function Virtual Channel', 'PCIe 5.0 7.9.2')],
  [0x09, VIRTUAL_CHANNEL],
  [0x0a, known('RCRB Header', 'PCIe 5.0 7.9.7')],
  [
    0x0b,
    known('Vendor-Specific', 'PCIe 5.0 7.9.5', [
      [4, 4, 'Vendor-Specific Header', '0+16 VSEC ID; 16+4 VSEC Revision; 20+12 VSEC Length'],
    ]),
  ],
  [0x0c, known('Configuration Access Correlation', 'PCI Code and ID 1.11')],
  [0x11, known('Multi-Root I/O Virtualization', 'MR-IOV 1.0')],
  [
    0x12,
    known('Multicast', 'PCIe 5.0 7.9.11', [
      [4, 2, 'Multicast Capability', '0+6 Max Group; 8+6 Window Size Requested; 15 ECRC Regeneration'],
      [6, 2, 'Multicast Control', '0+6 Num Group; 15 Enable'],
    ]),
  ],
  [
    0x15,
    known('Resizable BAR', 'PCIe 5.0 7.8.6', [
      [4, 4, 'Resizable BAR Capability', '4+28 Sizes from 1 MB'],
      [8, 4, 'Resizable BAR Control', '0+3 BAR Index; 5+3 Number of Resizable BARs; 8+6 BAR Size'],
    ]),
  ],
  [0x14, known('Reserved for AMD', 'PCI Code and ID 1.11')],
  [0x16, known('Dynamic Power Allocation', 'PCIe 5.0 7.9.12')],
  [0x1a, known('Protocol Multiplexing', 'PCIe 3.1 7.27')],
  [0x1c, known('LN Requester', 'PCIe 4.0 7.9.13')],
  [
    0x1d,
    known('Downstream Port Containment', 'PCIe 5.0 7.9.15', [
      [
        4,
        2,
        'DPC Capability',
        '0+5 Interrupt Message Number; 5 RP Extensions; 6 Poisoned TLP Egress Blocking; 7 Software Triggering; 8+4 RP PIO Log Size; 12 DL_Active ERR_COR Signaling',
      ],
      [
        6,
        2,
        'DPC Control',
        '0+2 Trigger Enable; 2 Completion Control; 3 Interrupt Enable; 4 ERR_COR Enable; 5 Poisoned TLP Egress Blocking Enable; 6 Software Trigger; 7 DL_Active ERR_COR Enable',
      ],
      [
        8,
        2,
        'DPC Status',
        '0 Trigger Status; 1+2 Trigger Reason; 3 Interrupt Status; 4 RP Busy; 5+2 Trigger Reason Extension; 8+5 RP PIO First Error Pointer',
      ],
      [10, 2, 'DPC Error Source ID'],
    ]),
  ],
  [
    0x1e,
    known('L1 PM Substates', 'PCIe 5.0 7.8.3', [
      [
        4,
        4,
        'L1 PM Substates Capabilities',
        `${L1_ENABLES}; 4 L1 PM Substates; 5 Link Activation; 8+8 Port Common_Mode_Restore_Time; 16+2 T_POWER_ON Scale; 19+5 T_POWER_ON Value`,
      ],
      [
        8,
        4,
        'L1 PM Substates Control 1',
        `${L1_ENABLES}; 4 Link Activation Interrupt; 5 Link Activation Control; 8+8 Common_Mode_Restore_Time; 16+10 LTR_L1.2_THRESHOLD Value; 29+3 LTR_L1.2_THRESHOLD Scale`,
      ],
      [12, 4, 'L1 PM Substates Control 2', '0+2 T_POWER_ON Scale; 3+5 T_POWER_ON Value'],
    ]),
  ],
  [
    0x1f,
    known('Precision Time Measurement', 'PCIe 5.0 7.9.16', [
      [
        4,
        4,
        'PTM Capability',
        '0 Requester Capable; 1 Responder Capable; 2 Root Capable; 8+8 Local Clock Granularity',
      ],
      [8, 4, 'PTM Control', '0 Enable; 1 Root Select; 8+8 Effective Granularity'],
    ]),
  ],
  [0x20, known('M-PCIe', 'PCIe 3.1')],
  [0x21, known('FRS Queueing', 'PCIe 5.0 7.8.9')],
  [0x22, known('Readiness Time Reporting', 'PCIe 5.0 7.9.17')],
  [
    0x23,
    known('Designated Vendor-Specific', 'PCIe 5.0 7.9.6', [
      [4, 4, 'DVSEC Header 1', '0+16 DVSEC Vendor ID; 16+4 DVSEC Revision; 20+12 DVSEC Length'],
      [8, 2, 'DVSEC Header 2', '0+16 DVSEC ID'],
    ]),
  ],
  [0x24, known('VF Resizable BAR', 'PCIe 5.0 9.3.7.5')],
  [
    0x25,
    known('Data Link Feature', 'PCIe 5.0 7.7.4', [
      [
        4,
        4,
        'Data Link Feature Capabilities',
        '0 Scaled Flow Control; 1+22 Other Features; 31 Exchange Enable',
      ],
      [
        8,
        4,
        'Data Link Feature Status',
        '0 Remote Scaled Flow Control; 1+22 Other Remote Features; 31 Remote Valid',
      ],
    ]),
  ],
  [
    0x26,
    known('Physical Layer 16.0 GT/s', 'PCIe 5.0 7.7.5', [
      [0x0c, 4, '16.0 GT/s Status', EQUALIZATION],
      [0x10, 4, '16.0 GT/s Local Data Parity Mismatch Status'],
      [0x14, 4, '16.0 GT/s First Retimer Data Parity Mismatch Status'],
      [0x18, 4, '16.0 GT/s Second Retimer Data Parity Mismatch Status'],
    ]),
  ],
  [
    0x27,
    known('Lane Margining at the Receiver', 'PCIe 5.0 7.7.7', [
      [4, 2, 'Margining Port Capabilities', '0 Uses Driver Software'],
      [6, 2, 'Margining Port Status', '0 Margining Ready; 1 Margining Software Ready'],
    ]),
  ],
  [0x28, known('Hierarchy ID', 'PCIe 5.0 7.9.18')],
  [0x29, known('Native PCIe Enclosure Management', 'PCIe 5.0 7.9.19')],
  [
    0x2a,
    known('Physical Layer 32.0 GT/s', 'PCIe 5.0 7.7.6', [
      [
        4,
        4,
        '32.0 GT/s Capabilities',
        '0 Bypass to Highest Rate; 1 No Equalization Needed; 8 Modified TS Usage Mode 0; 9 Mode 1; 10 Mode 2',
      ],
      [
        8,
        4,
        '32.0 GT/s Control',
        '0 Bypass to Highest Rate Disable; 1 No Equalization Needed Disable; 8+3 Modified TS Usage Mode',
      ],
      [
        0x0c,
        4,
        '32.0 GT/s Status',
        `${EQUALIZATION}; 5 Modified TS Received; 6+2 Enhanced Link Behavior; 8 Transmitter Precoding On; 9 Transmitter Precoding Request; 10 No Equalization Needed Received`,
      ],
    ]),
  ],
  [0x2b, known('Alternate Protocol', 'PCIe 5.0 7.9.21')],
  [0x2c, known('System Firmware Intermediary', 'PCIe 5.0 7.9.23')],
  [0x2d, known('Shadow Functions', 'PCIe 6.0 7.9.25')],
  [0x2e, known('Data Object Exchange', 'PCIe 6.0 7.9.24')],
  [0x2f, known('Device 3', 'PCIe 6.0 7.7.9')],
  [0x30, known('Integrity and Data Encryption', 'PCIe 6.0 7.9.26')],
]);
