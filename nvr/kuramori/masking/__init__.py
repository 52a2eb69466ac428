"""A masked copy of opened pictures (H9): what staff drew stays visible, everything else becomes a coarse mosaic.

Cores (boxes, mosaic, painting) know neither processes nor the desk; `masking_worker` is a confined process like the
extraction worker; `running` is the desk's side of it. The stored original is only ever read.
"""
