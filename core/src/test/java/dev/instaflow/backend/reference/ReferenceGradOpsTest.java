package dev.instaflow.backend.reference;

import dev.instaflow.backend.CentralDifferences;

/** The truth about gradients, against central differences of the truth about results. */
class ReferenceGradOpsTest extends CentralDifferences {}
