package responders

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
)

// Comparison is what a number is held against, such as ">= 0.99". The zero value holds for nothing.
type Comparison struct {
	operator string
	bound    float64
}

var comparisonForm = regexp.MustCompile(`^(==|!=|>=|<=|>|<)\s*(\S+)$`)

// ParseComparison reads an operator (==, !=, >=, <=, > or <) and a finite number behind it.
func ParseComparison(text string) (Comparison, error) {
	if match := comparisonForm.FindStringSubmatch(text); match != nil {
		bound, err := strconv.ParseFloat(match[2], 64)
		if err == nil && !math.IsNaN(bound) && !math.IsInf(bound, 0) {
			return Comparison{match[1], bound}, nil
		}
	}
	return Comparison{}, fmt.Errorf("%q is not a comparison such as >= 0.99", text)
}

// String is the comparison as runbooks spell it.
func (c Comparison) String() string {
	return c.operator + " " + strconv.FormatFloat(c.bound, 'g', -1, 64)
}

// Holds says whether the comparison is true of a number. It is true of nothing that is no number.
func (c Comparison) Holds(value float64) bool {
	switch {
	case math.IsNaN(value):
		return false
	case c.operator == "==":
		return value == c.bound
	case c.operator == "!=":
		return value != c.bound
	case c.operator == ">=":
		return value >= c.bound
	case c.operator == "<=":
		return value <= c.bound
	case c.operator == ">":
		return value > c.bound
	case c.operator == "<":
		return value < c.bound
	}
	return false
}
