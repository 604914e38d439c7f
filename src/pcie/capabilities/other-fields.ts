import type { RegisterField, RegisterRow } from '../../registers/index.ts';
import { fieldList } from './field-list.ts';

const ERRORS_OF_OTHERS =
  '5 Surprise Down Error; 22 Uncorrectable Internal Error; 23 MC Blocked TLP; 24 AtomicOp Egress Blocked; 25 TLP Prefix Blocked; 26 Poisoned TLP Egress Blocked';
const CORRECTABLE_OF_OTHERS = '14 Corrected Internal Error; 15 Header Log Overflow';
const STATUS =
  '5 66 MHz Capable; 7 Fast Back-to-Back Transactions Capable; 8 Master Data Parity Error; 9+2 DEVSEL Timing; 11 Signaled Target Abort; 12 Received Target Abort; 13 Received Master Abort';

/**
 * Fields of registers, by the names of these, that machines in the field have and no function here: later revisions of the
 * specification, PCI before PCI Express, errors that nothing here makes.
 */
const OTHERS: Readonly<Record<string, readonly RegisterField[]>> = {
  Command: fieldList(
    '3 Special Cycle Enable; 4 Memory Write and Invalidate; 5 VGA Palette Snoop; 7 IDSEL Stepping; 9 Fast Back-to-Back Enable',
  ),
  Status: fieldList(`0 Immediate Readiness; ${STATUS}; 14 Signaled System Error; 15 Detected Parity Error`),
  'Secondary Status': fieldList(`${STATUS}; 14 Received System Error; 15 Detected Parity Error`),
  'Power Management Capabilities': fieldList('4 Immediate Readiness on Return to D0'),
  'Message Control': fieldList('9 Extended Message Data Capable; 10 Extended Message Data Enable'),
  'Uncorrectable Error Status': fieldList(ERRORS_OF_OTHERS),
  'Uncorrectable Error Mask': fieldList(ERRORS_OF_OTHERS),
  'Uncorrectable Error Severity': fieldList(ERRORS_OF_OTHERS),
  'Correctable Error Status': fieldList(CORRECTABLE_OF_OTHERS),
  'Correctable Error Mask': fieldList(CORRECTABLE_OF_OTHERS),
  'Advanced Error Capabilities and Control': fieldList(
    '9 Multiple Header Recording Capable; 10 Multiple Header Recording Enable; 11 TLP Prefix Log Present; 12 Completion Timeout Log Capable',
  ),
  'Device Capabilities': fieldList(
    '16 ERR_COR Subclass Capable; 29 Mixed MPS Supported; 30 TEE-IO Supported',
  ),
  'Link Control': fieldList('14+2 DRS Signaling Control'),
  'Root Control': fieldList('4 Configuration RRS Software Visibility Enable'),
  'Device Capabilities 2': fieldList(
    '14+2 LN System CLS; 16 10-bit Tag Completer; 17 10-bit Tag Requester; 18+2 OBFF; 20 Extended Fmt; 21 End-End TLP Prefix; 22+2 Max End-End TLP Prefixes; 24+2 Emergency Power Reduction; 26 Emergency Power Reduction Initialization; 28 DMWr Completer; 29+2 DMWr Lengths; 31 FRS',
  ),
  'Device Control 2': fieldList(
    '11 Emergency Power Reduction Request; 12 10-bit Tag Requester Enable; 13+2 OBFF Enable; 15 End-End TLP Prefix Blocking',
  ),
  'Link Capabilities 2': fieldList(
    '1+7 Supported Link Speeds; 8 Crosslink; 9+7 Lower SKP OS Generation; 16+7 Lower SKP OS Reception; 23 Retimer Presence Detect; 24 Two Retimers Presence Detect; 31 DRS',
  ),
  'Link Status 2': fieldList(
    '1 Equalization Complete; 2 Phase 1 Successful; 3 Phase 2 Successful; 4 Phase 3 Successful; 5 Link Equalization Request; 6 Retimer Presence Detected; 7 Two Retimers Presence Detected; 8+2 Crosslink Resolution; 10 Flit Mode; 12+3 Downstream Component Presence; 15 DRS Message Received',
  ),
  'ATS Capability Register': fieldList('6 Relaxed Ordering Supported; 7 Memory Attributes Supported'),
  'SR-IOV Capabilities': fieldList('2 VF 10-bit Tag Requester; 4 VF Resizable BAR'),
  'SR-IOV Control': fieldList('5 VF 10-bit Tag Requester Enable'),
};

/** The rows of a function here with what others have beside it: fields whose bits are no field's yet. */
export function withOthers(rows: readonly RegisterRow[]): RegisterRow[] {
  return rows.map((row) => {
    const others = OTHERS[row.name];
    if (others === undefined || row.fields === undefined) return row;
    const taken = row.fields.reduce((mask, field) => mask | maskOf(field), 0n);
    const more = others.filter((field) => (taken & maskOf(field)) === 0n);
    return { ...row, fields: [...row.fields, ...more].sort((a, b) => a.lsb - b.lsb) };
  });
}

function maskOf({ lsb, width }: RegisterField): bigint {
  return ((1n << BigInt(width)) - 1n) << BigInt(lsb);
}
