"""What every implementation of a protocol of ours must hold: checks that plug-ins run too."""
