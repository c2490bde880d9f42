package httpapi

import "github.com/labstack/echo/v4"

// Routes are all that the server has registered, as its router tells.
func (s *Server) Routes() []*echo.Route { return s.echo.Routes() }
