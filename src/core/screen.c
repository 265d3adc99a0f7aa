#include "riskset.h"
