/** Capability ID of PCI Power Management. */
export const CAP_POWER_MANAGEMENT = 0x01;
/** Capability ID of Vital Product Data. */
export const CAP_VPD = 0x03;
/** Capability ID of Message Signalled Interrupts. */
export const CAP_MSI = 0x05;
/** Capability ID of PCI Express. */
export const CAP_PCI_EXPRESS = 0x10;
/** Capability ID of MSI-X. */
export const CAP_MSIX = 0x11;

/** Extended capability ID of Advanced Error Reporting. */
export const ECAP_AER = 0x0001;
/** Extended capability ID of the Device Serial Number. */
export const ECAP_DEVICE_SERIAL_NUMBER = 0x0003;
/** Extended capability ID of Alternative Routing-ID Interpretation. */
export const ECAP_ARI = 0x000e;
/** Extended capability ID of Single Root I/O Virtualization. */
export const ECAP_SRIOV = 0x0010;
/** Extended capability ID of Access Control Services. */
export const ECAP_ACS = 0x000d;
/** Extended capability ID of Address Translation Services. */
export const ECAP_ATS = 0x000f;
/** Extended capability ID of the Page Request Interface. */
export const ECAP_PRI = 0x0013;
/** Extended capability ID of the TPH Requester. */
export const ECAP_TPH = 0x0017;
/** Extended capability ID of Latency Tolerance Reporting. */
export const ECAP_LTR = 0x0018;
/** Extended capability ID of the Secondary PCI Express capability. */
export const ECAP_SECONDARY_PCI_EXPRESS = 0x0019;
/** Extended capability ID of the Process Address Space ID. */
export const ECAP_PASID = 0x001b;
/** Extended capability ID of Physical Layer 64.0 GT/s. */
export const ECAP_PHYSICAL_LAYER_64 = 0x0031;
